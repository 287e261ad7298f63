//! What is answered, whoever serves: a body of as many bytes as the path says.

use std::convert::Infallible;

use http_body_util::Full;
use hyper::{
    Request, Response,
    body::{Bytes, Incoming},
};

/// The longest body.
static BODY: [u8; 64 << 10] = [b'x'; 64 << 10];

/// Of a path such as `/1000`; of no bytes, if it says something else.
pub(super) async fn answer(
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let bytes = request.uri().path().trim_start_matches('/').parse().unwrap_or(0);
    let body = BODY.get(..bytes).unwrap_or_default();
    Ok(Response::new(Full::new(Bytes::from_static(body))))
}
