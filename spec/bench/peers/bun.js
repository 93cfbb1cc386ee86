// Echo and relay on Bun's server, which is uWebSockets: its own publish and subscribe.
const port = Number(process.argv[2]);

const server = Bun.serve({
  hostname: "127.0.0.1",
  port,
  fetch(request, server) {
    const { pathname } = new URL(request.url);
    const room = pathname.startsWith("/relay/") ? pathname : undefined;
    if (server.upgrade(request, { data: { room } })) return undefined;
    return new Response("Upgrade Required", { status: 426 });
  },
  websocket: {
    perMessageDeflate: false,
    idleTimeout: 0,
    // Beyond the limit publish would skip the member: cut it off instead, so that it shows.
    backpressureLimit: 64 * 1024 * 1024,
    closeOnBackpressureLimit: true,
    open(ws) {
      if (ws.data.room) ws.subscribe(ws.data.room);
    },
    message(ws, message) {
      if (ws.data.room) server.publish(ws.data.room, message);
      else ws.send(message);
    },
  },
});

console.log(`ready ${server.port}`);
