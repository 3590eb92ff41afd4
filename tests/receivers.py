"""Receivers of messages on loopback: a webhook and a mail server, which accept, refuse, hang or show a certificate nobody knows."""

import datetime
import http.server
import json
import socketserver
import ssl
import threading
from contextlib import contextmanager
from email import message_from_bytes, policy
from ipaddress import ip_address


class _Http(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append(json.loads(body))
        if self.server.hangs is not None:
            self.server.hangs.wait(30)
            return
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class _Smtp(socketserver.StreamRequestHandler):
    """As much of RFC 5321 as a client that sends one message asks for."""

    def handle(self):
        self.say("220 loopback")
        while line := self.rfile.readline():
            word = line.split()[0].upper() if line.strip() else b""
            if word == b"DATA":
                self.say("354 go on")
                lines = iter(self.rfile.readline, b".\r\n")
                text = b"".join(line[1:] if line.startswith(b"..") else line for line in lines)
                self.server.received.append(message_from_bytes(text, policy=policy.default))
                self.say("250 taken" if self.server.status < 400 else "554 not taken")
            elif word == b"QUIT":
                self.say("221 bye")
                return
            else:
                self.say("250 yes")

    def say(self, line):
        self.wfile.write(line.encode() + b"\r\n")


class _Quiet:
    """A client that goes away in the midst, or does not like our certificate, is part of the test."""

    daemon_threads = True
    status, hangs, received = 200, None, None

    def handle_error(self, *_):
        pass


class _HttpServer(_Quiet, http.server.ThreadingHTTPServer):
    pass


class _SmtpServer(_Quiet, socketserver.ThreadingTCPServer):
    pass


@contextmanager
def webhook(status=200, hangs=False, certificate=None):
    with _HttpServer(("127.0.0.1", 0), _Http) as server:
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        with _served(server, status, hangs):
            yield server


@contextmanager
def mail_server(status=200):
    with _SmtpServer(("127.0.0.1", 0), _Smtp) as server, _served(server, status, hangs=False):
        yield server


@contextmanager
def _served(server, status, hangs):
    server.status, server.received, server.hangs = status, [], threading.Event() if hangs else None
    server.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield
    finally:
        if server.hangs:
            server.hangs.set()
        server.shutdown()
        thread.join()


def self_signed(path):
    """A certificate of 127.0.0.1 that nobody vouches for, with its key."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    encoding = serialization.Encoding.PEM
    plain = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(plain + certificate.public_bytes(encoding))
    return path
