"""Tells folders of models from ids of the hub, and says in one sentence why either cannot be used."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from adapters.options import BadOption

TIMEOUT_SECONDS = 10.0
"""How long the hub may take to say whether it has a model."""

CONFIG = "config.json"
"""The file that every model has, in a folder and on the hub."""


def is_path(model: str) -> bool:
    """Whether ``model`` is not an id: that has the form ``name`` or ``owner/name``, and no path of that name exists."""
    return model.startswith((".", "/", "~")) or model.count("/") > 1 or "\\" in model or Path(model).exists()


def check_folder(path: str, flag: str) -> None:
    """Raise ``BadOption`` unless ``path``, the value of ``flag``, is a folder with a model."""
    folder = Path(path)
    if not folder.exists():
        tilde = " (only the shell expands ~)" if path.startswith("~") else ""
        raise BadOption(f"{flag} {path!r} does not exist{tilde}; give a folder with a model, or a hub id (owner/name).")
    if not (folder / CONFIG).is_file():
        raise BadOption(
            f"{flag} {path!r} is not a folder with a {CONFIG}; give one that a download or save_pretrained() wrote."
        )


@contextmanager
def explained(given: str, instead: str) -> Iterator[None]:
    """Inside, an exception of ``huggingface_hub`` about ``given`` is raised as ``BadOption``, one sentence.

    ``instead`` is what a user without a connection to the hub can do.
    """
    from huggingface_hub import errors  # noqa: PLC0415

    # Its log repeats in several lines what the error says in one, and that requests without a token are slower.
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    try:
        yield
    except BadOption:
        raise
    except errors.HFValidationError:
        raise BadOption(f"{given} is neither an existing folder nor a hub id (owner/name).") from None
    except errors.OfflineModeIsEnabled:
        raise BadOption(
            f"{given} is not in the local cache, and HF_HUB_OFFLINE forbids asking the hub; unset it or {instead}."
        ) from None
    except errors.GatedRepoError:
        raise BadOption(
            f"{given} is gated: accept its terms on its page at the hub and set HF_TOKEN to a token of that account."
        ) from None
    except errors.RepositoryNotFoundError:
        raise BadOption(
            f"{given} is not on the hub, or it is private: check the name, or set HF_TOKEN to a token that may read it."
        ) from None
    except Exception as error:  # noqa: BLE001 - the exceptions of the hub's HTTP client differ by version
        raise BadOption(
            f"{given} is not in the local cache, and the request to the hub failed ({_reason(error)}); "
            f"check the network and try again, or {instead}."
        ) from None


def _reason(error: Exception) -> str:
    """The hub's status if it answered, else the exception's class: its text may contain an address with a password."""
    response = getattr(error, "response", None)
    if response is not None:
        return f"it answered {response.status_code}"
    return type(error.__cause__ or error).__name__
