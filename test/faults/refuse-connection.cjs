// Loaded into the function's process ahead of the function. A proxy cannot refuse a connection for
// one call alone: it learns what a connection is for when it has accepted it. So each request waits
// here until it is complete, the proxy is asked whether this one is to be refused, and if so the
// request is sent to a closed port in the proxy's place: the system refuses that connection, and the
// client sees the error that it would see from a host without a server.
const http = require('node:http');

const CLOSED_PORT = 1;
const NOT_COPIED = ['connection', 'content-length', 'expect', 'host', 'transfer-encoding'];

const { addRequest } = http.Agent.prototype;

http.Agent.prototype.addRequest = function (request, options, ...rest) {
  whenComplete(request, async () => {
    const refused = await isToBeRefused(request, options);
    addRequest.call(this, request, refused ? { ...options, port: CLOSED_PORT } : options, ...rest);
  });
};

function whenComplete(request, then) {
  if (request.writableEnded || request.destroyed) void then();
  else setImmediate(whenComplete, request, then);
}

async function isToBeRefused(request, { host, port }) {
  const headers = Object.entries(request.getHeaders()).filter(
    ([name]) => !NOT_COPIED.includes(name),
  );
  const written = Buffer.concat(
    request.outputData.map(({ data, encoding }) => Buffer.from(data, encoding)),
  );
  const answer = await fetch(`http://${host}:${port}/`, {
    method: 'POST',
    headers: { ...Object.fromEntries(headers), 'x-is-to-be-refused': '?' },
    body: written.subarray(written.indexOf('\r\n\r\n') + 4),
  });
  return (await answer.text()) === 'yes';
}
