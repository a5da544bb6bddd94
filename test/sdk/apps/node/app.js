// What the applications here share. What was asked is the answer.
exports.answer = (kind, url, headers, body) => {
  const at = new URL(url, 'http://x')
  return {
    kind,
    path: at.pathname,
    q: at.searchParams.getAll('q'),
    cookie: headers.cookie,
    multi: headers['x-multi'],
    body: body.toString('hex'),
  }
}

// A picture is every byte there is.
exports.picture = Buffer.from(Array.from({ length: 256 }, (_, i) => i))
