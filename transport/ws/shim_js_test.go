//go:build js && wasm

package ws

import (
	"syscall/js"
	"testing"

	"github.com/kdelta/kdelta/transport"
)

// shim is a WebSocket as the standard (websockets.spec.whatwg.org) describes
// it, whose other end is an object of the same kind in the same page. What is
// sent counts in bufferedAmount until it is delivered, and paused keeps it.
const shim = `globalThis.WebSocket = class {
	constructor(url, protocol) {
		Object.assign(this, {url, protocol: "", extensions: "", readyState: 0, bufferedAmount: 0, paused: false, queue: []})
		if (protocol === undefined) return
		setTimeout(() => {
			if (this.readyState !== 0) return
			const how = new URL(url).pathname
			if (how === "/never") return
			if (how === "/refuse") { this.fail(); return }
			const other = new WebSocket(url)
			WebSocket.other = other
			this.peer = other
			other.peer = this
			other.readyState = this.readyState = 1
			other.protocol = this.protocol = how === "/plain" ? "" : protocol
			if (how === "/deflate") this.extensions = "permessage-deflate"
			this.onopen({})
		}, 0)
	}
	send(data) {
		if (this.readyState === 0) throw new Error("InvalidStateError")
		if (this.readyState !== 1) return
		const message = typeof data === "string" ? data : data.slice().buffer
		const size = typeof data === "string" ? data.length : data.byteLength
		this.bufferedAmount += size
		this.queue.push(() => {
			this.bufferedAmount -= size
			if (this.peer.readyState === 1) this.peer.onmessage?.({data: message})
		})
		this.pump()
	}
	close(code, reason = "") {
		if (code !== 1000 && !(code >= 3000 && code <= 4999)) throw new Error("InvalidAccessError")
		this.end(code, reason)
	}
	end(code, reason) {
		if (this.readyState >= 2) return
		if (this.readyState === 0) { this.fail(); return }
		this.readyState = 2
		this.queue.push(() => {
			for (const socket of [this.peer, this]) {
				if (socket.readyState === 3) continue
				socket.readyState = 3
				socket.onclose?.({code, reason})
			}
		})
		this.pump()
	}
	fail() {
		this.readyState = 3
		setTimeout(() => this.onclose?.({code: 1006, reason: ""}), 0)
	}
	pump() {
		setTimeout(() => { while (!this.paused && this.queue.length > 0) this.queue.shift()() }, 0)
	}
}`

// page puts the shim into the page for one test.
func page(t *testing.T) {
	t.Helper()
	before := js.Global().Get("WebSocket")
	js.Global().Call("eval", shim)
	t.Cleanup(func() { js.Global().Set("WebSocket", before) })
}

const address = "wss://relay.example/room"

// pair makes a link whose ends are both of this package.
func pair(t *testing.T) (a, b *conn) {
	t.Helper()
	page(t)
	link, err := new(Dialer).Dial(t.Context(), address)
	must(t, err)
	a, ok := link.(*conn)
	if !ok {
		t.Fatalf("Dial gave a %T", link)
	}
	b = start(js.Global().Get("WebSocket").Get("other"))
	t.Cleanup(func() {
		must(t, a.Close())
		must(t, b.Close())
	})
	return a, b
}

// server makes a link whose other end is a bare socket.
func server(t *testing.T) (link transport.Conn, other js.Value) {
	t.Helper()
	page(t)
	link, err := new(Dialer).Dial(t.Context(), address)
	must(t, err)
	other = js.Global().Get("WebSocket").Get("other")
	ignore := js.FuncOf(func(js.Value, []js.Value) any { return nil })
	t.Cleanup(ignore.Release)
	other.Set("onmessage", ignore)
	other.Set("onclose", ignore)
	return link, other
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
