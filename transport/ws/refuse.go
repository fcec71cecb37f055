//go:build !js

package ws

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// refuse says why a request may not make a link, "" if it may. It guards
// against web pages, which cannot choose what these headers say.
func (h *Handler) refuse(r *http.Request) string {
	if !h.knowsHost(r.Host) {
		return "this server is not known by that name; list it in Hosts"
	}
	origins := r.Header.Values("Origin")
	if len(origins) > 1 || len(origins) == 1 && !h.knowsOrigin(origins[0], r) {
		return "web pages of that origin are not known here; list it in Origins"
	}
	return ""
}

// knowsHost reports whether a Host header names this server.
func (h *Handler) knowsHost(header string) bool {
	host := header
	if name, _, err := net.SplitHostPort(header); err == nil {
		host = name
	} else {
		host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	}
	if isLoopback(host) {
		return true
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	return slices.ContainsFunc(h.options.Hosts, func(known string) bool {
		return known != "" && strings.EqualFold(known, host)
	})
}

// knowsOrigin reports whether pages of an origin may open links: an origin
// that is listed, or that of the server itself, to the letter.
func (h *Handler) knowsOrigin(origin string, r *http.Request) bool {
	own := "http://" + r.Host
	if r.TLS != nil {
		own = "https://" + r.Host
	}
	if strings.EqualFold(origin, own) {
		return true
	}
	return slices.ContainsFunc(h.options.Origins, func(known string) bool {
		return known != "" && strings.EqualFold(known, origin)
	})
}
