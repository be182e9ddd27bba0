# SPDX-License-Identifier: Apache-2.0
"""Requests that two servers in a row might read differently, and what the gateway must say.

The families are those of the published research on request smuggling (CL.TE, TE.CL, TE.TE, CL.0,
chunk-size and chunk-extension tricks, header obfuscation) and of RFC 9112 11.2; the bytes are ours.
Each REFUSED one is followed on the wire by SMUGGLED, a request that must never be carried out."""

SMUGGLED = b"POST /publish?scope=smuggled HTTP/1.1\r\nHost: test\r\nContent-Length: 3\r\n\r\nbad"

CHUNKS = b"5\r\nhello\r\n0\r\n\r\n"


def post(*headers, body=b"", version=b"HTTP/1.1", line=None):
    head = [line or b"POST /echo " + version, b"Host: test", *headers]
    return b"\r\n".join(head) + b"\r\n\r\n" + body


def chunked(body):
    return post(b"Transfer-Encoding: chunked", body=body)


def coded(header, body=CHUNKS):
    """A coding that hides behind something, beside a length that a lax reader would go by."""
    return post(header, b"Content-Length: 5", body=body)


def get(*lines):
    return b"\r\n".join(lines) + b"\r\n\r\n"


# name: (bytes, status)
REFUSED = {
    # ---- length against coding
    "CL.TE": (post(b"Content-Length: 6", b"Transfer-Encoding: chunked", body=b"0\r\n\r\nG"), 400),
    "TE.CL": (post(b"Transfer-Encoding: chunked", b"Content-Length: 4", body=b"5c\r\n"), 400),
    "CL.TE in capitals": (post(b"CONTENT-LENGTH: 6", b"TRANSFER-ENCODING: CHUNKED", body=b"0\r\n\r\nG"), 400),
    "TE with length 0": (post(b"Content-Length: 0", b"Transfer-Encoding: chunked", body=CHUNKS), 400),
    "TE on a GET with length": (get(b"GET /hello HTTP/1.1", b"Host: a", b"Content-Length: 5", b"Transfer-Encoding: chunked"), 400),
    "TE.TE chunked twice": (post(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked", body=CHUNKS), 400),
    "TE.TE identity second": (post(b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity", body=CHUNKS), 400),
    "TE.TE cow second": (post(b"Transfer-Encoding: chunked", b"Transfer-encoding: cow", body=CHUNKS), 400),
    "TE chunked, chunked": (post(b"Transfer-Encoding: chunked, chunked", body=CHUNKS), 400),
    "TE chunked, identity": (post(b"Transfer-Encoding: chunked, identity", body=CHUNKS), 400),
    "TE identity": (post(b"Transfer-Encoding: identity", body=b"hello"), 400),
    "TE gzip, chunked": (post(b"Transfer-Encoding: gzip, chunked", body=CHUNKS), 501),
    "TE identity, chunked": (post(b"Transfer-Encoding: identity, chunked", body=CHUNKS), 501),
    "TE gzip": (post(b"Transfer-Encoding: gzip", body=CHUNKS), 400),
    "TE empty": (post(b"Transfer-Encoding:", body=CHUNKS), 400),
    "TE comma": (post(b"Transfer-Encoding: ,", body=CHUNKS), 400),
    "TE with HTTP/1.0": (post(b"Transfer-Encoding: chunked", body=CHUNKS, version=b"HTTP/1.0"), 400),
    # ---- obfuscated codings
    "TE xchunked": (coded(b"Transfer-Encoding: xchunked"), 400),
    "TE chunkedx": (coded(b"Transfer-Encoding: chunkedx"), 400),
    "TE quoted": (coded(b'Transfer-Encoding: "chunked"'), 400),
    "TE single quotes": (coded(b"Transfer-Encoding: 'chunked'"), 400),
    "TE with parameter": (coded(b"Transfer-Encoding: chunked;q=1"), 400),
    "TE trailing comma": (coded(b"Transfer-Encoding: chunked,"), 400),
    "TE tab before": (coded(b"Transfer-Encoding:\tchunked"), 400),
    "TE tab behind": (coded(b"Transfer-Encoding: chunked\t"), 400),
    "TE vertical tab": (coded(b"Transfer-Encoding: \x0bchunked"), 400),
    "TE form feed": (coded(b"Transfer-Encoding: chunked\x0c"), 400),
    "TE NUL behind the value": (coded(b"Transfer-Encoding: chunked\x00"), 400),
    "TE NUL in the name": (coded(b"Transfer-Encoding\x00: chunked"), 400),
    "TE no-break space": (coded(b"Transfer-Encoding: \xa0chunked"), 400),
    "TE UTF-8 k": (coded("Transfer-Encoding: chun\u212aed".encode()), 400),
    "TE space before the colon": (coded(b"Transfer-Encoding : chunked"), 400),
    "TE tab before the colon": (coded(b"Transfer-Encoding\t: chunked"), 400),
    "TE folded away": (coded(b"Transfer-Encoding:\r\n chunked"), 400),
    "TE as a continuation": (coded(b"X: y\r\n Transfer-Encoding: chunked"), 400),
    "TE behind a bare LF": (coded(b"X: y\nTransfer-Encoding: chunked"), 400),
    "TE behind a bare CR": (coded(b"X: y\rTransfer-Encoding: chunked"), 400),
    "TE behind CR CR LF": (coded(b"X: y\r\r\nTransfer-Encoding: chunked"), 400),
    "TE behind LF CR": (coded(b"X: y\n\rTransfer-Encoding: chunked"), 400),
    "TE colon twice": (coded(b"Transfer-Encoding:: chunked"), 400),
    "TE no colon": (coded(b"Transfer-Encoding chunked"), 400),
    "TE leading space in the first header": (b"POST /echo HTTP/1.1\r\n Transfer-Encoding: chunked\r\nHost: a\r\n\r\n", 400),
    "TE name in brackets": (coded(b"[Transfer-Encoding]: chunked"), 400),
    # ---- lengths
    "CL twice, equal": (post(b"Content-Length: 5", b"Content-Length: 5", body=b"hello"), 400),
    "CL twice, different": (post(b"Content-Length: 5", b"Content-Length: 0", body=b"hello"), 400),
    "CL list": (post(b"Content-Length: 5, 5", body=b"hello"), 400),
    "CL plus": (post(b"Content-Length: +5", body=b"hello"), 400),
    "CL minus": (post(b"Content-Length: -5", body=b"hello"), 400),
    "CL minus zero": (post(b"Content-Length: -0", body=b"hello"), 400),
    "CL hexadecimal": (post(b"Content-Length: 0x5", body=b"hello"), 400),
    "CL exponent": (post(b"Content-Length: 5e0", body=b"hello"), 400),
    "CL fraction": (post(b"Content-Length: 5.0", body=b"hello"), 400),
    "CL with text": (post(b"Content-Length: 5 hello", body=b"hello"), 400),
    "CL empty": (post(b"Content-Length:", body=b"hello"), 400),
    "CL comma": (post(b"Content-Length: ,5", body=b"hello"), 400),
    "CL underscore": (post(b"Content-Length: 1_0", body=b"hello"), 400),
    "CL Arabic digit": (post("Content-Length: \u0665".encode(), body=b"hello"), 400),
    "CL overflow of 64 bits": (post(b"Content-Length: 18446744073709551621", body=b"hello"), 400),
    "CL tab": (post(b"Content-Length: 5\t", body=b"hello"), 400),
    "CL space before the colon": (post(b"Content-Length : 5", body=b"hello"), 400),
    "CL folded": (post(b"Content-Length: 5\r\n 0", body=b"hello"), 400),
    "CL NUL": (post(b"Content-Length: 5\x00", body=b"hello"), 400),
    # ---- chunks
    "chunk size 0x": (chunked(b"0x5\r\nhello\r\n0\r\n\r\n"), 400),
    "chunk size plus": (chunked(b"+5\r\nhello\r\n0\r\n\r\n"), 400),
    "chunk size minus": (chunked(b"-5\r\nhello\r\n0\r\n\r\n"), 400),
    "chunk size space before": (chunked(b" 5\r\nhello\r\n0\r\n\r\n"), 400),
    "chunk size space behind": (chunked(b"5 \r\nhello\r\n0\r\n\r\n"), 400),
    "chunk size tab behind": (chunked(b"5\t\r\nhello\r\n0\r\n\r\n"), 400),
    "chunk size space before an extension": (chunked(b"5 ;a\r\nhello\r\n0\r\n\r\n"), 400),
    "chunk size empty": (chunked(b"\r\nhello\r\n0\r\n\r\n"), 400),
    "chunk size only an extension": (chunked(b";a=b\r\n\r\n"), 400),
    "chunk size not hexadecimal": (chunked(b"5g\r\nhello\r\n0\r\n\r\n"), 400),
    "chunk size bare LF": (chunked(b"5\nhello\r\n0\r\n\r\n"), 400),
    "chunk size bare CR": (chunked(b"5\rhello\r\n0\r\n\r\n"), 400),
    "chunk size overflow to 5": (chunked(b"10000000000000005\r\nhello\r\n0\r\n\r\n"), 400),
    "chunk size overflow to 0": (chunked(b"10000000000000000\r\n\r\n"), 400),
    "chunk size all f": (chunked(b"ffffffffffffffff\r\nhello\r\n0\r\n\r\n"), 400),
    "chunk size NUL": (chunked(b"5\x00\r\nhello\r\n0\r\n\r\n"), 400),
    "LF in a chunk extension": (chunked(b"5;a\nhello\r\n0\r\n\r\n"), 400),
    "CR in a chunk extension": (chunked(b"5;a\rb\r\nhello\r\n0\r\n\r\n"), 400),
    "NUL in a chunk extension": (chunked(b"5;a\x00\r\nhello\r\n0\r\n\r\n"), 400),
    "LF in a quoted extension": (chunked(b'5;a="\n"\r\nhello\r\n0\r\n\r\n'), 400),
    "extensions without end": (chunked(b"5;" + b"x" * 20000 + b"\r\nhello\r\n0\r\n\r\n"), 400),
    "one-byte chunks with long extensions": (chunked((b"1;" + b"x" * 200 + b"\r\nh\r\n") * 200 + b"0\r\n\r\n"), 400),
    "chunk data longer than its size": (chunked(b"3\r\nhello\r\n0\r\n\r\n"), 400),
    "chunk data not ended by CRLF": (chunked(b"5\r\nhelloxx0\r\n\r\n"), 400),
    "chunk data ended by LF": (chunked(b"5\r\nhello\n0\r\n\r\n"), 400),
    "chunk data ended by CR": (chunked(b"5\r\nhello\r0\r\n\r\n"), 400),
    "last chunk ended by LF": (chunked(b"5\r\nhello\r\n0\n\n"), 400),
    "last chunk, then a LF": (chunked(b"5\r\nhello\r\n0\r\n\n"), 400),
    "trailer without colon": (chunked(b"5\r\nhello\r\n0\r\nX y\r\n\r\n"), 400),
    "trailer with bare LF": (chunked(b"5\r\nhello\r\n0\r\nX: y\n\r\n"), 400),
    "trailer folded": (chunked(b"5\r\nhello\r\n0\r\nX: y\r\n z\r\n\r\n"), 400),
    "trailer space before the colon": (chunked(b"5\r\nhello\r\n0\r\nX : y\r\n\r\n"), 400),
    "trailers without end": (chunked(b"0\r\n" + b"X: y\r\n" * 4000 + b"\r\n"), 400),
    # ---- request line
    "two spaces": (get(b"GET  /hello HTTP/1.1", b"Host: a"), 400),
    "two spaces before the version": (get(b"GET /hello  HTTP/1.1", b"Host: a"), 400),
    "tab for a space": (get(b"GET\t/hello HTTP/1.1", b"Host: a"), 400),
    "space in the target": (get(b"GET /hel lo HTTP/1.1", b"Host: a"), 400),
    "space at the start": (get(b" GET /hello HTTP/1.1", b"Host: a"), 400),
    "space at the end": (get(b"GET /hello HTTP/1.1 ", b"Host: a"), 400),
    "lower-case http": (get(b"GET /hello http/1.1", b"Host: a"), 400),
    "no version (HTTP/0.9)": (b"GET /hello\r\n", 400),
    "HTTP/0.9": (get(b"GET /hello HTTP/0.9", b"Host: a"), 505),
    "HTTP/9.9": (get(b"GET /hello HTTP/9.9", b"Host: a"), 505),
    "HTTP/1.2": (get(b"GET /hello HTTP/1.2", b"Host: a"), 505),
    "HTTP/1.10": (get(b"GET /hello HTTP/1.10", b"Host: a"), 400),
    "HTTP/1": (get(b"GET /hello HTTP/1", b"Host: a"), 400),
    "HTTP/2 preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    "TLS": (b"\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03\x03" + b"\x11" * 32 + b"\r\n\r\n", 400),
    "bare LF everywhere": (b"GET /hello HTTP/1.1\nHost: a\n\n", 400),
    "bare LF behind the request line": (b"GET /hello HTTP/1.1\nHost: a\r\n\r\n", 400),
    "bare LF at the end": (b"GET /hello HTTP/1.1\r\nHost: a\r\n\n", 400),
    "bare CR behind the request line": (b"GET /hello HTTP/1.1\rHost: a\r\n\r\n", 400),
    "two empty lines first": (b"\r\n\r\nGET /hello HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "bare LF first": (b"\nGET /hello HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "CR first": (b"\rGET /hello HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "NUL in the target": (get(b"GET /hel\x00lo HTTP/1.1", b"Host: a"), 400),
    "DEL in the target": (get(b"GET /hel\x7flo HTTP/1.1", b"Host: a"), 400),
    "no slash": (get(b"GET hello HTTP/1.1", b"Host: a"), 400),
    "method with a colon": (get(b"GE:T /hello HTTP/1.1", b"Host: a"), 400),
    "CONNECT": (get(b"CONNECT a:443 HTTP/1.1", b"Host: a:443"), 501),
    "TRACE": (get(b"TRACE /hello HTTP/1.1", b"Host: a"), 501),
    "another scheme": (get(b"GET ftp://a/hello HTTP/1.1", b"Host: a"), 400),
    # ---- host and other headers
    "no Host": (get(b"GET /hello HTTP/1.1", b"X: y"), 400),
    "two Hosts": (get(b"GET /hello HTTP/1.1", b"Host: a", b"Host: b"), 400),
    "two equal Hosts": (get(b"GET /hello HTTP/1.1", b"Host: a", b"Host: a"), 400),
    "Host empty": (get(b"GET /hello HTTP/1.1", b"Host:"), 400),
    "Host with a space": (get(b"GET /hello HTTP/1.1", b"Host: a b"), 400),
    "Host list": (get(b"GET /hello HTTP/1.1", b"Host: a, b"), 400),
    "Host with user": (get(b"GET /hello HTTP/1.1", b"Host: x@a"), 400),
    "Host with path": (get(b"GET /hello HTTP/1.1", b"Host: a/b"), 400),
    "Host with a bad port": (get(b"GET /hello HTTP/1.1", b"Host: a:80x"), 400),
    "Host against target": (get(b"GET http://other/hello HTTP/1.1", b"Host: a"), 400),
    "Host space before the colon": (get(b"GET /hello HTTP/1.1", b"Host : a"), 400),
    "obs-fold": (get(b"GET /hello HTTP/1.1", b"Host: a", b"X: y", b" z"), 400),
    "obs-fold with tab": (get(b"GET /hello HTTP/1.1", b"Host: a", b"X: y", b"\tz"), 400),
    "NUL in a value": (get(b"GET /hello HTTP/1.1", b"Host: a", b"X: y\x00z"), 400),
    "header without a name": (get(b"GET /hello HTTP/1.1", b"Host: a", b": y"), 400),
    "header name with a space": (get(b"GET /hello HTTP/1.1", b"Host: a", b"X Y: z"), 400),
    "header name not ASCII": (get(b"GET /hello HTTP/1.1", b"Host: a", b"X\xc3\xa9: z"), 400),
    "Connection not a list of tokens": (get(b"GET /hello HTTP/1.1", b"Host: a", b"Connection: keep alive"), 400),
}

# What a lax reader might split where it must not be split: each is one request, answered once.
# name: (bytes, body of the answer)
WHOLE = {
    "CL.0: a GET whose body is a request": (get(b"GET /hello HTTP/1.1", b"Host: a", b"Content-Length: %d" % len(SMUGGLED)) + SMUGGLED,
                                           b"Hello, world!\n"),
    "a POST whose body is a request": (post(b"Content-Length: %d" % len(SMUGGLED), body=SMUGGLED), SMUGGLED),
    "a chunk that is a request": (chunked(b"%x\r\n%s\r\n0\r\n\r\n" % (len(SMUGGLED), SMUGGLED)), SMUGGLED),
    "length with leading zeros": (post(b"Content-Length: 0005", body=b"hello"), b"hello"),
    "chunk size with leading zeros": (chunked(b"0000000005\r\nhello\r\n000\r\n\r\n"), b"hello"),
    "chunk size in capitals": (chunked(b"A\r\nhellohello\r\n0\r\n\r\n"), b"hellohello"),
    "extensions": (chunked(b'5;a=b;c="d"\r\nhello\r\n0;e\r\n\r\n'), b"hello"),
    "a trailer that claims a length": (chunked(b"5\r\nhello\r\n0\r\nContent-Length: 500\r\nTransfer-Encoding: x\r\n\r\n"), b"hello"),
    "upgrade to h2c": (post(b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABk", b"Content-Length: 5",
                            body=b"hello"), b"hello"),
    "upgrade to WebSocket": (post(b"Connection: Upgrade", b"Upgrade: websocket", b"Content-Length: 5", body=b"hello"), b"hello"),
    "names that look like it": (post(b"X-Transfer-Encoding: chunked", b"Transfer-Encodin: chunked", b"Content-Length: 5", body=b"hello"),
                                b"hello"),
    "one empty line first": (b"\r\n" + post(b"Content-Length: 5", body=b"hello"), b"hello"),
    "absolute form": (get(b"GET http://a/hello HTTP/1.1", b"Host: a"), b"Hello, world!\n"),
}
