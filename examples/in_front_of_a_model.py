"""Medha in front of a text-to-SQL model: ask twice, pay once; never the wrong query.

Run it with: uv run python examples/in_front_of_a_model.py
"""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
from pathlib import Path

from medha import BackendPlugin, Medha, SearchStrategy
from medha.plugins import installed_plugins, make

SCHEMA = """
CREATE TABLE album (title TEXT, artist TEXT, year INTEGER);
INSERT INTO album VALUES ('Low Tide', 'Mira Vale', 1998), ('North Rooms', 'Mira Vale', 2004);
INSERT INTO album VALUES ('Grain', 'The Weir', 2004);
"""


async def model(question: str) -> str:
    """What your language model would write: here it knows two questions, slowly."""
    await asyncio.sleep(0.2)
    known = {
        "How many albums did Mira Vale release?": "SELECT count(*) FROM album WHERE artist = 'Mira Vale'",
        "How many albums did The Weir release?": "SELECT count(*) FROM album WHERE artist = 'The Weir'",
    }
    print(f"  (the model was asked: {question})")
    return known[question]


async def main(folder: Path) -> None:
    """Ask, ask again in other words, ask something else, and report a wrong answer."""
    shop = sqlite3.connect(":memory:")
    shop.executescript(SCHEMA)
    plugin = installed_plugins().find(BackendPlugin, "sqlite")
    backend = make(plugin, plugin.settings(path=folder / "cache.db"))  # pyright: ignore[reportCallIssue]

    async with Medha("shop", embedder="wordllama", backend=backend) as cache:
        for question in (
            "How many albums did Mira Vale release?",
            "Could you tell me how many albums did Mira Vale release",
            "How many albums did The Weir release?",
            "How many albums did Mira Vale release?",
        ):
            answer = await cache.get_or_generate(question, model, filters={"schema": 1})
            (count,) = shop.execute(answer.generated_query or "").fetchone()
            print(f"{question} -> {count}   [{answer.strategy}]")

        wrong = await cache.search("How many albums did The Weir release?", filters={"schema": 1})
        for _ in range(cache.settings.feedback_incorrect_threshold):
            await cache.feedback("How many albums did The Weir release?", False, entry_id=wrong.entry_id)
        again = await cache.search("How many albums did The Weir release?", filters={"schema": 1})
        print("after three complaints:", "gone" if again.strategy is SearchStrategy.NO_MATCH else "still there")
        print(f"{cache.stats().hit_rate:.0%} of {cache.stats().lookups} lookups were hits")
    await backend.close()
    shop.close()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        asyncio.run(main(Path(scratch)))
