"""OpenSSL's TLS before a server in plain text: prints its port, then who came, and ends with its standard input."""

import argparse
import asyncio
import json
import ssl
import sys


async def pass_on(reader, writer):
    try:
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass  # One side has gone, and the other hears so.
    writer.close()


async def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("to", "certificate", "key", "roots"):
        parser.add_argument(f"--{name}", required=True)
    options = parser.parse_args()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(options.roots)
    context.load_cert_chain(options.certificate, options.key)
    context.set_alpn_protocols(["meshwork/1"])

    async def serve(reader, writer):
        tls = writer.get_extra_info("ssl_object")
        identities = [name for kind, name in tls.getpeercert()["subjectAltName"] if kind == "URI"]
        print(json.dumps({
            "library": ssl.OPENSSL_VERSION, "tls": tls.version(), "alpn": tls.selected_alpn_protocol(),
            "identities": identities}), flush=True)
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", int(options.to))
        await asyncio.gather(pass_on(reader, inner_writer), pass_on(inner_reader, writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
