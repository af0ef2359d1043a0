//! nginx's own pages (`ngx_http_special_response.c`).

/// The version that this gateway says it has: the last stable one that behaves as it does.
pub(super) const VERSION: &str = "1.26.3";

/// The words of a status.
pub(super) const fn words(status: u16) -> &'static str {
    match status {
        200 => "OK",
        204 => "No Content",
        301 => "Moved Permanently",
        302 => "Found",
        400 => "Bad Request",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Not Allowed",
        413 => "Request Entity Too Large",
        414 => "Request-URI Too Large",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Temporarily Unavailable",
        504 => "Gateway Time-out",
        _ => "Status",
    }
}

/// A whole answer of the gateway's own, with the bytes of its body.
pub(super) fn page(status: u16, text: Option<&str>) -> (Vec<u8>, u64) {
    let title = words(status);
    let (kind, body) = match text {
        Some(text) => ("text/plain", text.to_owned()),
        None => (
            "text/html",
            format!(
                "<html>\r\n<head><title>{status} {title}</title></head>\r\n<body>\r\n\
                 <center><h1>{status} {title}</h1></center>\r\n\
                 <hr><center>nginx/{VERSION}</center>\r\n</body>\r\n</html>\r\n"
            ),
        ),
    };
    let head = format!(
        "HTTP/1.1 {status} {title}\r\nServer: nginx/{VERSION}\r\nContent-Type: {kind}\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    let length = u64::try_from(body.len()).unwrap_or(0);
    ([head.into_bytes(), body.into_bytes()].concat(), length)
}
