// An echo server on Debian's node-ws that knows what it did.
//
// Prints {"port": n} once it listens on 127.0.0.1. Each line "counts" on its input is answered by a line of what it counted so far;
// the end of its input ends it. Options are name=value: pieces=3 answers in fragments, ping=1 pings before each answer,
// close_after=5 close_code=4001 close_reason=text closes each connection after that many answers, close_at=5 in place of that answer;
// deflate=1 compresses, where a client offers it, and with no_context_takeover=1 each message for itself.
'use strict';

const readline = require('readline');
const { WebSocket, WebSocketServer } = require('ws');

const conduct = Object.assign({ pieces: '1', ping: '', close_after: '0', close_at: '0', close_code: '1000', close_reason: '',
                                deflate: '', no_context_takeover: '' },
                              Object.fromEntries(process.argv.slice(2).map((option) => option.split('='))));
const counts = {
  connections: 0, received: 0, received_binary: 0, received_bytes: 0, sent: 0, pings: 0, pongs: 0, close_codes: {}, errors: [],
};

function answer(socket, data, binary) {
  counts.sent += 1;
  const pieces = Number(conduct.pieces);
  const length = Math.max(1, Math.ceil(data.length / pieces));
  let start = 0;
  do {  // an empty message is answered too
    if (start > 0 && conduct.ping) ping(socket);
    socket.send(data.subarray(start, start + length), { binary, fin: start + length >= data.length });
    start += length;
  } while (start < data.length);
}

function ping(socket) {
  counts.pings += 1;
  socket.ping('are you there');
}

const forgets = Boolean(conduct.no_context_takeover) || undefined;  // false would refuse clients that ask for it
const perMessageDeflate = conduct.deflate ? { threshold: 0, serverNoContextTakeover: forgets, clientNoContextTakeover: forgets } : false;
const server = new WebSocketServer({ host: '127.0.0.1', port: 0, backlog: 1024, perMessageDeflate });
server.on('listening', () => console.log(JSON.stringify({ port: server.address().port })));
server.on('connection', (socket) => {
  counts.connections += 1;
  let answered = 0;
  socket.on('message', (data, binary) => {
    counts.received += 1;
    counts.received_binary += binary ? 1 : 0;
    counts.received_bytes += data.length;
    if (socket.readyState !== WebSocket.OPEN) return;  // ws hands on what comes while it closes
    if (answered + 1 === Number(conduct.close_at)) return socket.close(Number(conduct.close_code), conduct.close_reason);
    if (conduct.ping) ping(socket);
    answer(socket, data, binary);
    answered += 1;
    if (answered === Number(conduct.close_after)) socket.close(Number(conduct.close_code), conduct.close_reason);
  });
  socket.on('pong', () => { counts.pongs += 1; });
  // ws tells here what the client did against RFC 6455.
  socket.on('error', (error) => counts.errors.push(error.message));
  socket.on('close', (code) => { counts.close_codes[code] = (counts.close_codes[code] || 0) + 1; });
});

const questions = readline.createInterface({ input: process.stdin });
questions.on('line', (line) => { if (line === 'counts') console.log(JSON.stringify(counts)); });
questions.on('close', () => process.exit(0));
