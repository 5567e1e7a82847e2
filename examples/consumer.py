"""A worker in ten lines of aio-pika: it leaves a failed call to the broker and keeps only the call's text.

Started by ``consumer.yaml`` beside it. It knows the environment of the contract and nothing else of the harness.
"""

import asyncio
import logging
import os

import aio_pika
import httpx


async def main() -> None:
    """Consume the queue until SIGTERM."""
    connection = await aio_pika.connect_robust(os.environ["RABBITMQ_URL"])
    channel = await connection.channel()
    await channel.set_qos(prefetch_count=10)
    queue = await channel.get_queue(os.environ["RABBITMQ_QUEUE"])
    memory_api = httpx.AsyncClient(base_url=os.environ["MEMORY_API_URL"], timeout=60)
    async with memory_api, queue.iterator() as messages:
        async for message in messages:
            try:
                (await memory_api.post("/extract_facts", content=message.body)).raise_for_status()
                await message.ack()
            except httpx.HTTPError as error:
                logging.warning("the call failed: %r", error)  # noqa: LOG015 - ten lines have no logger of their own
                await message.nack(requeue=True)


asyncio.run(main())
