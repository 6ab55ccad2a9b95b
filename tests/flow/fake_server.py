"""An HTTP server in this process, whose answers a test decides."""
import http.server
import ssl
import threading


class FakeServer:
    """`respond` is for whoever inherits. Use `with`: it serves meanwhile. With a `world` it speaks TLS with its certificate."""

    def __init__(self, world=None):
        fake = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                fake.serve(self, None)

            def do_POST(self):
                fake.serve(self, self.rfile.read(int(self.headers.get("Content-Length", 0))))

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        if world is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(world.path("server.pem"), world.path("server.key"))
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"{'http' if world is None else 'https'}://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def respond(self, target, body):
        """The wire.Answer to a request (`body` is None for GET), or None to cut the connection."""
        raise NotImplementedError

    def serve(self, handler, body):
        answer = self.respond(handler.path, body)
        if answer is None:
            handler.close_connection = True
            return
        handler.send_response(answer.status)
        for name, value in answer.headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(answer.body)))
        handler.end_headers()
        handler.wfile.write(answer.body)
