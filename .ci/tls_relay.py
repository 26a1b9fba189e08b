"""Plain TCP in, TLS out: lets a program that speaks no TLS test one that does.

Usage: tls_relay.py TLS_PORT CERTIFICATE; prints the plain port it listens on.
"""

import asyncio
import ssl
import sys


async def pump(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.write_eof() if writer.can_write_eof() else writer.close()
    except (ConnectionError, ssl.SSLError):
        writer.close()


async def main():
    port, certificate = int(sys.argv[1]), sys.argv[2]
    context = ssl.create_default_context(cafile=certificate)

    async def relay(reader, writer):
        below = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="localhost")
        await asyncio.gather(pump(reader, below[1]), pump(below[0], writer))
        writer.close()
        below[1].close()

    server = await asyncio.start_server(relay, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
