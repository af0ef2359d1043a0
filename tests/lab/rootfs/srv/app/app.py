"""A small WSGI application whose paths misbehave on request."""
import time
from urllib.parse import parse_qs


def app(environ, start_response):
    path = environ["PATH_INFO"]
    args = parse_qs(environ.get("QUERY_STRING", ""))
    status, headers, body = "200 OK", [("Content-Type", "text/plain")], b"api\n"
    if path == "/slow":
        time.sleep(float(args.get("s", ["1"])[0]))
    elif path == "/export":
        hoard = bytearray(200 * 1024 * 1024)
        for i in range(0, len(hoard), 4096):
            hoard[i] = 1
    elif path == "/count":
        sum(range(10**12))  # one C loop that no Python signal handler interrupts
    elif path == "/account":
        headers.append(("Set-Cookie", "session=" + "x" * 70000))
    elif path == "/health":
        status = "404 Not Found"  # nobody wrote a page for health checks
    elif path.startswith("/status/"):
        status = path.rsplit("/", 1)[1] + " From The Application"
    start_response(status, headers)
    return [body]
