// Loaded before the stock way: SDK v2 ignores AWS_ENDPOINT_URL, so its requests are sent there from
// below it. The agent it would have used is replaced by one with the same policy on connections.
const http = require('node:http');
const https = require('node:https');

const { hostname, port } = new URL(process.env.AWS_ENDPOINT_URL);
const agents = new Map(
  [true, false].map((keepAlive) => [keepAlive, new http.Agent({ keepAlive })]),
);

https.request = (options, onResponse) => {
  const agent = agents.get(options.agent?.keepAlive === true);
  return http.request({ ...options, host: hostname, port, agent }, onResponse);
};
