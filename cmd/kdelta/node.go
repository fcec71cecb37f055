package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/kdelta/kdelta/internal/temporary"
	"github.com/kdelta/kdelta/replica"
	"github.com/kdelta/kdelta/transport"
	"github.com/kdelta/kdelta/transport/ws"
)

// A node is one process that keeps a database in sync with others: with those that it dials and those that come to it.
type node struct {
	a     *app
	db    *database
	plain bool
	// extra are targets beside the remembered ones.
	extra []string
	// only leaves the remembered targets out.
	only bool
	life context.Context

	mu    sync.Mutex
	says  nodeJSON
	links []*nodeLink
	ended bool
}

// nodeLink is a live sync of a node; target is empty for one that came to it.
type nodeLink struct {
	target string
	live   *replica.Live
	since  time.Time
	state  replica.LinkState
	// told is what a person heard of it last.
	told linkJSON
}

// newNode makes a node on a database that no other one runs on.
func (a *app) newNode(ctx context.Context, db *database) (*node, error) {
	if _, _, err := db.Room(ctx); err != nil {
		return nil, err
	}
	other, err := a.nodeOf(db.path)
	if err == nil && other != nil {
		err = fmt.Errorf("a node runs on %s already, as process %d", db.path, other.PID)
	}
	if err != nil {
		return nil, err
	}
	n := &node{a: a, db: db, life: context.WithoutCancel(ctx)}
	n.says = nodeJSON{PID: os.Getpid(), Since: timeJSON(a.now()), Links: []linkJSON{}}
	return n, nil
}

// serve opens the node to others at addr and returns what closes it again.
func (n *node) serve(addr string, config *tls.Config, hosts []string) (stop func() error, err error) {
	socket, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("%w; say with --listen where else to listen", err)
	}
	scheme := "ws://"
	n.says.Listening = scheme + socket.Addr().String() + syncPath
	if config != nil {
		n.says.Listening = "wss://" + socket.Addr().String() + syncPath
		socket = tls.NewListener(socket, config)
	}
	mux := http.NewServeMux()
	mux.Handle(syncPath, ws.NewHandler(n.accept, ws.Options{Hosts: hosts}))
	server := &http.Server{
		Handler: mux, ReadHeaderTimeout: handshakeTime, IdleTimeout: handshakeTime, MaxHeaderBytes: 16 << 10,
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0), // strangers' mistakes are no news
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(socket) // it ends by Close
	}()
	return func() error {
		err := server.Close()
		<-served
		return err
	}, nil
}

// accept takes a link that somebody has made. What is no member of the space is told so by the handshake and is no news.
func (n *node) accept(link transport.Conn, _ *http.Request) {
	secret, err := n.db.respond(n.life, link)
	if err != nil {
		return
	}
	n.keep("", func(heard replica.SyncOption) *replica.Live { return n.db.SyncLive(n.life, secret, heard) })
}

// follow keeps links to the remembered nodes and the extra ones, and gives up those that are forgotten.
func (n *node) follow(ctx context.Context) error {
	var targets []string
	if !n.only {
		var err error
		if targets, err = n.db.Remotes(ctx); err != nil {
			return err
		}
	}
	targets = slices.DeleteFunc(append(targets, n.extra...), func(target string) bool {
		return !isAddress(target) || checkTarget(target, n.plain) != nil
	})
	n.mu.Lock()
	known := make(map[string]bool)
	for _, l := range n.links {
		if known[l.target] = true; l.target != "" && !slices.Contains(targets, l.target) {
			go func() { _ = l.live.Stop() }() // its state tells how it ended
		}
	}
	n.mu.Unlock()
	for _, target := range targets {
		if !known[target] {
			known[target] = true
			n.keep(target, func(heard replica.SyncOption) *replica.Live {
				return n.db.KeepLive(n.life, func(ctx context.Context) (transport.Conn, error) {
					return n.db.dial(ctx, target, n.plain)
				}, heard)
			})
		}
	}
	return nil
}

// keep adds a live sync to the node until it ends.
func (n *node) keep(target string, begin func(replica.SyncOption) *replica.Live) {
	l := &nodeLink{target: target, since: n.a.now(), state: replica.LinkConnecting}
	n.mu.Lock()
	if n.ended {
		n.mu.Unlock()
		return
	}
	n.links = append(n.links, l)
	l.live = begin(replica.OnLinkStatus(func(status replica.LinkStatus) { n.heard(l, status) }))
	n.mu.Unlock()
	go func() {
		<-l.live.Done()
		n.mu.Lock()
		n.links = slices.DeleteFunc(n.links, func(other *nodeLink) bool { return other == l })
		n.mu.Unlock()
		n.tell()
	}()
}

// heard says where a link stands now.
func (n *node) heard(l *nodeLink, status replica.LinkStatus) {
	n.mu.Lock()
	if state := linkState(status); l.state != state {
		l.state, l.since = state, n.a.now()
	}
	line := l.shape(status)
	if n.a.asJSON || l.isNews(line) {
		n.a.printLink(n.db, line, status)
	}
	n.mu.Unlock()
	n.tell()
}

// isNews reports whether a person has to hear where a link stands: not that it was tried once more, and failed for the same cause.
func (l *nodeLink) isNews(line linkJSON) bool {
	line.Since, line.Sent, line.Received = "", 0, 0
	if line == l.told || line.State == string(replica.LinkConnecting) && l.told.State != "" {
		return false
	}
	l.told = line
	return true
}

// linkState is where a link stands. Who is of another space is not let in before the replica hears of it.
func linkState(status replica.LinkStatus) replica.LinkState {
	if isForeign(status.Cause) {
		return replica.LinkDenied
	}
	return status.State
}

// shape is the link as JSON has it.
func (l *nodeLink) shape(status replica.LinkStatus) linkJSON {
	line := linkJSON{
		Target: l.target, Peer: authorJSON(status.Report.Peer), State: string(linkState(status)), Since: timeJSON(l.since),
		Unacked: status.Unacked, Sent: status.Report.Sent, Received: status.Report.Received,
	}
	switch {
	case isForeign(status.Cause):
		line.Cause = "it belongs to another space: " + joinOther
	case status.Cause != nil:
		line.Cause = errorText(status.Cause)
	case status.Report.Diverged:
		line.Cause = "same versions, different state: run kdelta verify on both"
	}
	return line
}

// tell writes the file beside the database that says how the links are.
func (n *node) tell() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ended {
		return
	}
	n.says.Links = []linkJSON{}
	for _, l := range n.links {
		n.says.Links = append(n.says.Links, l.shape(l.live.Status()))
	}
	if err := n.says.write(n.db.path); err != nil {
		n.a.notef("kdelta: %s", printable(fmt.Sprintf("status of the node: %v", err)))
	}
}

// run keeps the node until ctx ends, then ends all links politely.
func (n *node) run(ctx context.Context) error {
	temporary.Sweep(filepath.Dir(n.db.path), filepath.Base(n.db.path)+nodeSuffix+"-")
	beat := time.NewTicker(nodeBeat)
	defer beat.Stop()
	var err error
	for err == nil {
		if err = n.follow(ctx); err != nil {
			break
		}
		n.tell()
		select {
		case <-beat.C:
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	if ctx.Err() != nil {
		err = nil // that is how a node is ended
	}
	return errors.Join(err, n.end())
}

// end says bye on all links.
func (n *node) end() error {
	n.mu.Lock()
	n.ended = true
	links := slices.Clone(n.links)
	n.mu.Unlock()
	var all sync.WaitGroup
	for _, l := range links {
		all.Go(func() { _ = l.live.Stop() }) // its state told how it ended
	}
	all.Wait()
	return os.Remove(n.db.path + nodeSuffix)
}
