//go:build !js

package noise

import (
	"testing"

	"github.com/kdelta/kdelta/transport"
	"github.com/kdelta/kdelta/transport/transporttest"
	"github.com/kdelta/kdelta/transport/ws"
)

// The contract holds over sockets as well.
func TestContractOverWebsocket(t *testing.T) {
	transporttest.TestConn(t, func(t *testing.T) (a, b transport.Conn) {
		l, err := ws.Listen("127.0.0.1:0", ws.ListenOptions{})
		must(t, err)
		t.Cleanup(func() { must(t, l.Close()) })
		a, err = new(ws.Dialer).Dial(t.Context(), l.Addr())
		must(t, err)
		b, err = l.Accept(t.Context())
		must(t, err)
		return link(t, a, b)
	})
}
