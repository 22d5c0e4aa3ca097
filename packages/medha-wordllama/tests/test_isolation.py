"""What the package does to its process: nothing before the first embedding, and no network ever."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import wordllama  # pyright: ignore[reportMissingTypeStubs]

if TYPE_CHECKING:
    from collections.abc import Callable


def test_the_model_library_is_imported_by_the_first_embedding_only(in_new_process: Callable[[str], str]) -> None:
    printed = in_new_process("""
        import asyncio, sys
        import medha
        import medha_wordllama.plugin
        heavy = {"wordllama", "tokenizers", "safetensors", "numpy"}
        print("plugin:", sorted(heavy & set(sys.modules)))

        async def main():
            embedder = medha_wordllama.plugin.medha_register_embedders()[0].factory(None)
            await embedder.connect()
            print("connect:", embedder.dimension, embedder.model_name, "wordllama" in sys.modules)
            await embedder.aembed("how many tracks")
            print("embed:", "wordllama" in sys.modules)
            await embedder.close()

        asyncio.run(main())
    """)
    assert printed.splitlines() == ["plugin: []", "connect: 256 wordllama/l2_supercat-256 False", "embed: True"]


def test_embedding_touches_neither_network_nor_root_logger(in_new_process: Callable[[str], str]) -> None:
    printed = in_new_process("""
        import asyncio, logging, os, socket, sys

        def refuse(event, args):
            if event in {"socket.connect", "socket.getaddrinfo", "socket.sendto"}:
                print(event, args, flush=True)
                os._exit(1)

        async def main():
            from medha_wordllama import WordLlamaEmbedder

            embedder = WordLlamaEmbedder()
            await embedder.connect()
            print(len(await embedder.aembed_batch(["how many tracks"] * 100)))
            await embedder.close()

        sys.addaudithook(refuse)
        asyncio.run(main())
        print(logging.getLogger().handlers, logging.getLogger().level == logging.WARNING)
    """)
    assert printed.splitlines() == ["100", "[] True"]


def test_missing_weights_are_an_error_that_says_how_to_get_them(
    in_new_process: Callable[[str], str], tmp_path: Path
) -> None:
    whole = Path(wordllama.__file__).parent
    shutil.copytree(whole, tmp_path / "wordllama", ignore=shutil.ignore_patterns("*.safetensors"))
    printed = in_new_process(f"""
        import asyncio, sys
        sys.path.insert(0, {str(tmp_path)!r})
        from medha.errors import EmbedderUnavailableError
        from medha_wordllama import WordLlamaEmbedder

        async def main():
            embedder = WordLlamaEmbedder()
            await embedder.connect()
            for _ in range(2):
                try:
                    await embedder.aembed("how many tracks")
                except EmbedderUnavailableError as error:
                    print(error, type(error.__cause__).__name__)
            await embedder.close()

        asyncio.run(main())
    """)
    assert printed.count("l2_supercat_256.safetensors' not found") == 2
    assert printed.count("pip install --force-reinstall wordllama FileNotFoundError") == 2
