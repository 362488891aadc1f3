"""What mlx holds for a thread is released."""

import subprocess
import sys
from pathlib import Path


def test_a_process_ends_cleanly_after_an_engine_was_closed(tiny_qwen: Path) -> None:
    program = (
        "import asyncio\n"
        "from tests.support.answers import answer, request\n"
        "from tests.support.mlx_engine import loaded\n"
        "async def main():\n"
        f"    async with loaded({str(tiny_qwen)!r}) as engine:\n"
        "        await answer(engine, request('count', max_output_tokens=3))\n"
        "asyncio.run(main())\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)
    assert ran.returncode == 0, ran.stderr
