package main

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/kdelta/kdelta/internal/temporary"
)

// A node tells other runs of the command how its links are by a small file beside the database. It writes it anew whenever
// something changes, and every nodeBeat: a file that is older than nodeGone, or names a process that is not here, was left by
// a node that died.
const (
	nodeSuffix = "-node"
	nodeBeat   = 2 * time.Second
	nodeGone   = 4 * nodeBeat
)

// nodeJSON is a node that runs on the database.
type nodeJSON struct {
	PID int `json:"pid"`
	// Listening is the address that others reach it at, empty where it does not listen.
	Listening string     `json:"listening"`
	Since     string     `json:"since"`
	Links     []linkJSON `json:"links"`
}

// linkJSON is one live sync of a node.
type linkJSON struct {
	// Target is what the node dials, empty for those that came to it.
	Target string `json:"target"`
	// Peer is the author at the other end, empty as long as it is not known.
	Peer  string `json:"peer"`
	State string `json:"state"`
	Since string `json:"since"`
	// Cause is why there is no link, empty where there is one.
	Cause string `json:"cause"`
	// Unacked is how many packs are under way.
	Unacked  int `json:"unacked"`
	Sent     int `json:"sent"`
	Received int `json:"received"`
}

// nodeOf reads what a node on the database at path says, nil where none runs.
func (a *app) nodeOf(path string) (*nodeJSON, error) {
	info, err := os.Stat(path + nodeSuffix)
	if errors.Is(err, fs.ErrNotExist) || err == nil && a.now().Sub(info.ModTime()) > nodeGone {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(path + nodeSuffix)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // it ended just now
	}
	if err != nil {
		return nil, err
	}
	var n nodeJSON
	if err := json.Unmarshal(text, &n); err != nil {
		return nil, nil //nolint:nilerr // what is no node's file says nothing about one
	}
	if !temporary.Runs(n.PID) {
		return nil, nil
	}
	return &n, nil
}

// write puts the file in its place, whole. It is news, not data: a loss of power may take it.
func (n *nodeJSON) write(path string) (err error) {
	text, err := compactJSON(n)
	if err != nil {
		return err
	}
	f, err := temporary.File(filepath.Dir(path), filepath.Base(path)+nodeSuffix+"-")
	if err != nil {
		return err
	}
	_, err = f.Write(append(text, '\n'))
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path+nodeSuffix)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
