// Echo and relay on Socket.IO: the event "m", to the room of the handshake's query or back.
import { createServer } from "node:http";
import { Server } from "socket.io";

const port = Number(process.argv[2]);
const http = createServer();
const io = new Server(http, {
  transports: ["websocket"], perMessageDeflate: false, serveClient: false,
});

io.on("connection", (socket) => {
  const { room } = socket.handshake.query;
  if (room) {
    socket.join(room);
    socket.on("m", (data) => io.to(room).emit("m", data));
  } else {
    socket.on("m", (data) => socket.emit("m", data));
  }
});

http.listen({ host: "127.0.0.1", port, backlog: 4096 }, () => console.log(`ready ${port}`));
