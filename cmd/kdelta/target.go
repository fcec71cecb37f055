package main

import (
	"errors"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/kdelta/kdelta/transport/ws"
)

// errTarget: a target cannot be synced with.
var errTarget = errors.New("target")

// syncPath is where a node answers, for addresses that name no path.
const syncPath = "/sync"

// isAddress reports whether a target is that of a node rather than a file.
func isAddress(target string) bool { return strings.Contains(target, "://") }

// checkTarget refuses what can be neither a file name nor the address of a node. With plain an address may be ws:// on another
// machine.
func checkTarget(target string, plain bool) error {
	if target == "" {
		return usagef("an empty target: is a variable not set?")
	}
	if !isAddress(target) {
		return nil
	}
	err := ws.CheckAddress(target, plain)
	switch {
	case errors.Is(err, ws.ErrPlain):
		return usagef("%s is on another machine, and ws:// would show who talks with whom and how much, though not what: use wss://, "+
			"or say --plain", shorten(target, 60))
	case err != nil:
		return usagef("%q is neither a database file nor the address of a node (ws://HOST:PORT, wss://HOST:PORT)", shorten(target, 60))
	}
	return nil
}

// remembered is a target as it is kept: the next run may start in another folder.
func remembered(target string) (string, error) {
	if isAddress(target) {
		return target, nil
	}
	return filepath.Abs(target)
}

// dialled is the address that a target is reached at.
func dialled(target string) string {
	u, err := url.Parse(target)
	if err != nil || u.Path != "" && u.Path != "/" {
		return target
	}
	u.Path = syncPath
	return u.String()
}
