// Echo and relay on gorilla/websocket. Rooms are as in its chat example: a hub for each, and
// for each member one goroutine that reads and one that writes. Unlike the example, every
// message is a frame of its own, framed once for all members, and the hub waits for a member
// whose queue is full (until its write fails) where the example cuts it off.
package main

import (
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

const (
	writeWait  = 10 * time.Second
	pongWait   = 60 * time.Second
	pingPeriod = pongWait * 9 / 10
	queued     = 256
)

var upgrader = websocket.Upgrader{}

type client struct {
	hub  *hub
	conn *websocket.Conn
	send chan *websocket.PreparedMessage
}

type hub struct {
	clients    map[*client]bool
	broadcast  chan *websocket.PreparedMessage
	register   chan *client
	unregister chan *client
}

var (
	hubs      = map[string]*hub{}
	hubsMutex sync.Mutex
)

func hubAt(path string) *hub {
	hubsMutex.Lock()
	defer hubsMutex.Unlock()
	h := hubs[path]
	if h == nil {
		h = &hub{
			clients:    map[*client]bool{},
			broadcast:  make(chan *websocket.PreparedMessage),
			register:   make(chan *client),
			unregister: make(chan *client),
		}
		hubs[path] = h
		go h.run()
	}
	return h
}

func (h *hub) run() {
	for {
		select {
		case c := <-h.register:
			h.clients[c] = true
		case c := <-h.unregister:
			delete(h.clients, c)
			close(c.send)
		case message := <-h.broadcast:
			for c := range h.clients {
				c.send <- message
			}
		}
	}
}

func (c *client) readPump() {
	defer func() {
		c.hub.unregister <- c
		c.conn.Close()
	}()
	c.conn.SetReadDeadline(time.Now().Add(pongWait))
	c.conn.SetPongHandler(func(string) error {
		return c.conn.SetReadDeadline(time.Now().Add(pongWait))
	})
	for {
		kind, data, err := c.conn.ReadMessage()
		if err != nil {
			return
		}
		message, err := websocket.NewPreparedMessage(kind, data)
		if err != nil {
			return
		}
		c.hub.broadcast <- message
	}
}

func (c *client) writePump() {
	ticker := time.NewTicker(pingPeriod)
	defer func() {
		ticker.Stop()
		c.conn.Close()
		for range c.send { // the hub may be waiting for room in it
		}
	}()
	for {
		select {
		case message, ok := <-c.send:
			c.conn.SetWriteDeadline(time.Now().Add(writeWait))
			if !ok {
				c.conn.WriteMessage(websocket.CloseMessage, nil)
				return
			}
			if c.conn.WritePreparedMessage(message) != nil {
				return
			}
		case <-ticker.C:
			c.conn.SetWriteDeadline(time.Now().Add(writeWait))
			if c.conn.WriteMessage(websocket.PingMessage, nil) != nil {
				return
			}
		}
	}
}

func serveRoom(w http.ResponseWriter, r *http.Request) {
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	c := &client{
		hub:  hubAt(r.URL.Path),
		conn: conn,
		send: make(chan *websocket.PreparedMessage, queued),
	}
	c.hub.register <- c
	go c.writePump()
	go c.readPump()
}

func serveEcho(w http.ResponseWriter, r *http.Request) {
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer conn.Close()
	for {
		kind, data, err := conn.ReadMessage()
		if err != nil || conn.WriteMessage(kind, data) != nil {
			return
		}
	}
}

func main() {
	port := os.Args[1]
	listener, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("ready", port)
	http.HandleFunc("/echo", serveEcho)
	http.HandleFunc("/relay/", serveRoom)
	log.Fatal(http.Serve(listener, nil))
}
