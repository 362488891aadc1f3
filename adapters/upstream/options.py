"""The settings of the language models behind an HTTP API."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from adapters.contract import llm
from adapters.contract.description import ApiKeyVariable, EngineDescription
from adapters.options import Secret
from adapters.remote_media import FROM_PUBLIC, RemoteMediaHosts

OPENAI = "https://api.openai.com/v1"

_Temperature = Annotated[float, Meta(ge=0, le=2)]
_Probability = Annotated[float, Meta(ge=0, le=1)]
_Penalty = Annotated[float, Meta(ge=-2, le=2)]
_Tokens = Annotated[int, Meta(ge=1)]
_Seconds = Annotated[float, Meta(gt=0, le=3600)]
_Retries = Annotated[int, Meta(ge=0, le=10)]

DESCRIPTION = EngineDescription(
    default_model="gpt-4o-mini",
    api_key=ApiKeyVariable(
        name="OPENAI_API_KEY",
        key_option="responses_api_api_key",
        url_option="responses_api_base_url",
        host="api.openai.com",
    ),
    # Where other models stand ready to answer, the server is asked once.
    fallback_options={"responses_api_max_retries": 0},
)
"""What the engines that answer over HTTP have in common."""


def named_for(stage: str, message: str) -> str:
    """A message about an option below, with the name that the engines of ``stage`` give that option."""
    if stage == "llm":
        return message
    return message.replace("--responses_api_", f"--{stage}_").replace("--llm_backend", f"--{stage}")


class UpstreamOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of the language models behind an HTTP API, and of the client that asks them."""

    responses_api_base_url: Annotated[
        str | None, Meta(description="Base URL of the OpenAI-compatible server, with its /v1; OpenAI when not given.")
    ] = None
    responses_api_api_key: Annotated[
        Secret | None,
        Meta(description="API key of the server; OPENAI_API_KEY when not given; an empty one sends no key."),
    ] = None
    responses_api_stream: Annotated[
        bool, Meta(description="Stream the answer; otherwise speech begins only when the answer is complete.")
    ] = True
    responses_api_temperature: Annotated[
        _Temperature | None, Meta(description="Sampling temperature, sent when set.")
    ] = None
    responses_api_top_p: Annotated[
        _Probability | None,
        Meta(description="Nucleus sampling: probability mass to sample from, sent when set."),
    ] = None
    responses_api_max_output_tokens: Annotated[
        _Tokens | None, Meta(description="Maximum number of tokens of one answer, sent when set.")
    ] = None
    responses_api_stop: Annotated[
        tuple[str, ...] | None, Meta(description="Texts at which the answer ends, sent when set.")
    ] = None
    responses_api_seed: Annotated[int | None, Meta(description="Seed of the sampling, sent when set.")] = None
    responses_api_frequency_penalty: Annotated[
        _Penalty | None, Meta(description="Penalty on tokens for each time they occurred, sent when set.")
    ] = None
    responses_api_presence_penalty: Annotated[
        _Penalty | None, Meta(description="Penalty on tokens that occurred at least once, sent when set.")
    ] = None
    responses_api_audio_part: Annotated[
        Literal["input_audio", "audio_url"],
        Meta(description="How audio is sent to a model that accepts it: as OpenAI's part, or as a data: URL (vLLM)."),
    ] = "input_audio"
    responses_api_extra_body: Annotated[
        dict[str, Any], Meta(description="JSON object merged into the request body; its fields win.")
    ] = {}
    responses_api_connect_timeout: Annotated[
        _Seconds, Meta(description="Seconds that connecting to the server may take.")
    ] = 5.0
    responses_api_first_token_timeout: Annotated[
        _Seconds, Meta(description="Seconds from a streamed request to the first text, reasoning or tool call.")
    ] = 60.0
    responses_api_gap_timeout: Annotated[
        _Seconds,
        Meta(
            description="Seconds without data after which a streamed answer that has begun is given up; a response of "
            "which the server has only said that the model reasons has until the deadline."
        ),
    ] = 30.0
    responses_api_deadline: Annotated[
        _Seconds, Meta(description="Seconds that a whole answer may take, including all retries.")
    ] = 600.0
    responses_api_max_retries: Annotated[
        _Retries,
        Meta(description="How often a request is retried that failed before the first output and may succeed later."),
    ] = 2
    remote_media: RemoteMediaHosts = FROM_PUBLIC

    def sampling(self, asked: llm.Sampling) -> llm.Sampling:
        """The sampling settings of a request: each value of ``asked``, else the option of the same name."""
        return llm.Sampling(
            **{
                field: getattr(self, f"responses_api_{field}") if value is None else value
                for field, value in msgspec.structs.asdict(asked).items()
            }
        )
