//go:build !js

package ws

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"
)

// CheckAddress finds out whether a Dialer with that AllowPlain would dial addr: ErrAddress or ErrPlain if not.
func CheckAddress(addr string, allowPlain bool) error {
	u, err := url.Parse(addr)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrAddress, err)
	}
	switch {
	case u.Scheme != "ws" && u.Scheme != "wss", u.Hostname() == "":
		return fmt.Errorf("%w; got %q", ErrAddress, u.Redacted())
	case u.User != nil:
		return fmt.Errorf("%w: a user name or password has no place in it", ErrAddress)
	case u.Fragment != "":
		return fmt.Errorf("%w: a fragment has no place in it", ErrAddress)
	case u.Scheme == "ws" && !allowPlain && !isLoopback(u.Hostname()):
		return fmt.Errorf("%w; got %q", ErrPlain, u.Redacted())
	}
	return nil
}

// isLoopback reports whether host names this machine whatever a name server
// says (RFC 6761, section 6.3, for localhost).
func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}
