// Echo and relay on the ws package: a plain loop over the members of the room.
import { WebSocketServer } from "ws";

const port = Number(process.argv[2]);
const rooms = new Map(); // path -> Set of sockets

const server = new WebSocketServer({
  host: "127.0.0.1", port, backlog: 4096, perMessageDeflate: false,
});

server.on("connection", (socket, request) => {
  socket.on("error", () => socket.terminate());
  if (!request.url.startsWith("/relay/")) {
    socket.on("message", (data, binary) => socket.send(data, { binary }));
    return;
  }
  const members = rooms.get(request.url) ?? new Set();
  rooms.set(request.url, members.add(socket));
  socket.on("close", () => members.delete(socket));
  socket.on("message", (data, binary) => {
    for (const member of members) member.send(data, { binary });
  });
});

server.on("listening", () => console.log(`ready ${port}`));
