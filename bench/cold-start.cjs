// One cold start: `node cold-start.cjs HANDLERS EVENT` loads the handlers, invokes them once and
// sends what it took. Plain JavaScript, so that nothing but Node and the handlers is loaded.
const { performance } = require('node:perf_hooks');

const [, , file, event] = process.argv;
const before = performance.now();
const { entrypoint } = require(file);
const requireMilliseconds = performance.now() - before;

entrypoint(JSON.parse(event), { awsRequestId: 'cold-start' }).then(({ status, message }) => {
  const residentMegabytes = process.memoryUsage.rss() / 1e6;
  process.send({ status, message, requireMilliseconds, residentMegabytes }, () => process.exit());
});
