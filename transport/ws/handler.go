//go:build !js

package ws

import (
	"bufio"
	"net"
	"net/http"
	"slices"
	"sync/atomic"

	"github.com/gorilla/websocket"

	"github.com/kdelta/kdelta/transport"
)

// serverBuffer holds the header of a message and the beginning of its bytes;
// the rest is written from where it is.
const serverBuffer = 4 << 10

// defaultMaxLinks is Options.MaxLinks where none is given.
const defaultMaxLinks = 1024

// Options are the rules by which links are accepted. The zero value is safe.
type Options struct {
	// Hosts lists the names, without port, by which this server may be called
	// in the Host header, beside localhost and any IP address. A web page that has
	// its own name point to this machine (DNS rebinding) calls it by that
	// name, so names of any other kind are refused.
	Hosts []string
	// Origins lists the origins, such as "https://app.example", from which a
	// web page may open a link, beside the server's own, which is the scheme
	// and Host of the request. Behind a proxy that speaks TLS for the server,
	// the own origin must be listed. Programs send no origin and are let
	// through: what keeps them out is what is spoken over the link.
	Origins []string
	// MaxLinks is how many links may be open at a time, 1,024 by default.
	MaxLinks int
	// Deadlines of the links.
	Deadlines Deadlines
}

// Handler is the http.Handler that makes links, for any mux. What it refuses it
// answers with a status and one line that says why:
//
//	400  no websocket handshake, or not Subprotocol
//	403  a Host or an Origin that Options do not know
//	405  a method other than GET
//	503  MaxLinks are open
type Handler struct {
	serve   func(*conn, *http.Request)
	options Options
	links   atomic.Int64
}

// NewHandler returns a Handler that hands each link to serve, with the request
// that made it. serve runs in the request's goroutine, and may return and let
// the link live on; the link is its to close.
func NewHandler(serve func(link transport.Conn, r *http.Request), o Options) *Handler {
	return newHandler(func(c *conn, r *http.Request) { serve(c, r) }, o)
}

func newHandler(serve func(*conn, *http.Request), o Options) *Handler {
	o.Hosts, o.Origins = slices.Clone(o.Hosts), slices.Clone(o.Origins)
	if o.MaxLinks <= 0 {
		o.MaxLinks = defaultMaxLinks
	}
	o.Deadlines = o.Deadlines.withDefaults()
	return &Handler{serve: serve, options: o}
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	link, ok := h.upgrade(w, r)
	if ok {
		h.serve(link, r)
	}
}

// upgrade makes the link, or answers why not.
func (h *Handler) upgrade(w http.ResponseWriter, r *http.Request) (*conn, bool) {
	if why := h.refuse(r); why != "" {
		http.Error(w, why, http.StatusForbidden)
		return nil, false
	}
	if !slices.Contains(websocket.Subprotocols(r), Subprotocol) {
		http.Error(w, "this is a websocket of subprotocol "+Subprotocol, http.StatusBadRequest)
		return nil, false
	}
	if h.links.Add(1) > int64(h.options.MaxLinks) {
		h.links.Add(-1)
		w.Header().Set("Retry-After", "10")
		http.Error(w, "too many links are open", http.StatusServiceUnavailable)
		return nil, false
	}
	hijack := &metered{ResponseWriter: w}
	upgrader := websocket.Upgrader{
		HandshakeTimeout: h.options.Deadlines.Handshake,
		ReadBufferSize:   serverBuffer,
		WriteBufferSize:  serverBuffer,
		Subprotocols:     []string{Subprotocol},
		CheckOrigin:      func(*http.Request) bool { return true }, // refuse has, and more strictly
		Error: func(w http.ResponseWriter, _ *http.Request, status int, reason error) {
			http.Error(w, printable(reason.Error()), status)
		},
	}
	socket, err := upgrader.Upgrade(hijack, r, nil)
	if err == nil {
		err = hijack.meter.establish(h.options.Deadlines)
	}
	if err != nil { // the other end has its answer, or is gone
		if socket != nil {
			_ = socket.Close()
		}
		h.links.Add(-1)
		return nil, false
	}
	return start(socket, hijack.meter, h.options.Deadlines, func() { h.links.Add(-1) }), true
}

// metered lets the upgrade find a meter where it looks for the connection.
type metered struct {
	http.ResponseWriter
	meter *meter
}

// Hijack implements http.Hijacker.
func (w *metered) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	c, buffered, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	w.meter = newMeter(c)
	return w.meter, buffered, nil
}
