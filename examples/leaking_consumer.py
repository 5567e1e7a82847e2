"""A worker in ten lines of aio-pika that leaks: it keeps every failed call, for a summary that is never printed.

Started by ``leaking_consumer.yaml`` beside it. It differs from ``consumer.py`` in one line.
"""

import asyncio
import os

import aio_pika
import httpx

failures: list[httpx.HTTPError] = []


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
                failures.append(error)  # the leak: the error holds its request, and the request its 3 MB body
                await message.nack(requeue=True)


asyncio.run(main())
