"""Checks that the packages an engine needs are installed, without importing them."""

from importlib.util import find_spec

from adapters.options import BadOption


def check_installed(chosen: str, extra: str, *modules: str) -> None:
    """Raise ``BadOption`` unless all ``modules`` are installed; none of them is imported.

    ``chosen`` is the flag with the value that needs them, ``extra`` the extra of this distribution that installs them.
    """
    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        raise BadOption(
            f"{chosen} needs packages that are not installed ({', '.join(missing)}): "
            f"pip install 'speech-gateway[{extra}]'"
        )
