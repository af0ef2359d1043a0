const http = require('http');
const port = Number(process.argv[2] || 3000);
http.createServer((req, res) => { req.resume(); req.on('end', () => res.end('web\n')); }).listen(port, '127.0.0.1');
