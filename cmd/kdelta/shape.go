package main

import (
	"encoding/json"

	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/replica"
)

// authorJSON is an author's 8-character key, empty where there is none.
func authorJSON(a identity.Author) string {
	if a == (identity.Author{}) {
		return ""
	}
	return a.String()
}

// writtenJSON is what every write prints with --json.
type writtenJSON struct {
	Key     string `json:"key"`
	Version string `json:"version"`
	ID      string `json:"id"`
	Time    string `json:"time"`
	// Value is the value after the write, where the verb prints it.
	Value json.RawMessage `json:"value,omitempty"`
}

func written(key string, v replica.Version) writtenJSON {
	return writtenJSON{Key: key, Version: v.String(), ID: v.ID.String(), Time: timeJSON(v.Wall())}
}

// unwrittenJSON is what a write prints that had nothing to change.
type unwrittenJSON struct {
	Key     string  `json:"key"`
	Version *string `json:"version"`
}

// docJSON is a value with all that is known of it.
type docJSON struct {
	Key       string          `json:"key"`
	Value     json.RawMessage `json:"value"`
	Kind      string          `json:"kind"`
	Version   string          `json:"version"`
	ID        string          `json:"id"`
	Time      string          `json:"time"`
	Author    string          `json:"author"`
	Parents   []string        `json:"parents"`
	Clock     []string        `json:"clock"`
	Strategy  string          `json:"strategy"`
	Conflicts int             `json:"conflicts"`
}

func docShape(d replica.Doc) docJSON {
	return docJSON{
		Key: d.Key, Value: d.Value, Kind: string(d.Kind),
		Version: d.Version.String(), ID: d.Version.ID.String(), Time: timeJSON(d.Version.Wall()),
		Author: d.Version.Author.String(), Parents: plainNames(d.Parents), Clock: clockNames(d.Clock),
		Strategy: d.Strategy, Conflicts: d.Conflicts,
	}
}

// rowJSON is one key of a listing.
type rowJSON struct {
	Key       string          `json:"key"`
	Value     json.RawMessage `json:"value"`
	Kind      string          `json:"kind"`
	Version   string          `json:"version"`
	Time      string          `json:"time"`
	Conflicts int             `json:"conflicts"`
}

// namespaceJSON is one namespace of a listing.
type namespaceJSON struct {
	Namespace string `json:"namespace"`
	Keys      int    `json:"keys"`
}

// conflictJSON is a concurrent write that is not shown.
type conflictJSON struct {
	Key      string          `json:"key"`
	Path     string          `json:"path"`
	Status   string          `json:"status"`
	Base     json.RawMessage `json:"base"`
	Chosen   sideJSON        `json:"chosen"`
	Others   []sideJSON      `json:"others"`
	More     int             `json:"more,omitempty"`
	Why      string          `json:"why"`
	ClosedBy string          `json:"closed_by,omitempty"`
}

type sideJSON struct {
	Version string          `json:"version"`
	ID      string          `json:"id"`
	Time    string          `json:"time"`
	Kind    string          `json:"kind"`
	Value   json.RawMessage `json:"value"`
	Deleted bool            `json:"deleted,omitempty"`
	Merged  bool            `json:"merged,omitempty"`
}

func conflictShape(c *replica.Conflict) conflictJSON {
	shape := conflictJSON{
		Key: c.Key, Path: c.Path, Status: string(c.Status), Base: c.Base, Chosen: sideShape(&c.Chosen),
		Others: make([]sideJSON, len(c.Others)), More: c.More, Why: c.Why,
	}
	for i := range c.Others {
		shape.Others[i] = sideShape(&c.Others[i])
	}
	if !c.ClosedBy.IsZero() {
		shape.ClosedBy = c.ClosedBy.String()
	}
	return shape
}

func sideShape(s *replica.ConflictSide) sideJSON {
	return sideJSON{
		Version: s.Version.String(), ID: s.Version.ID.String(), Time: timeJSON(s.Version.Wall()), Kind: string(s.Kind),
		Value: s.Value, Deleted: s.Deleted, Merged: s.Merged,
	}
}

// logJSON is one version of the log.
type logJSON struct {
	Version string      `json:"version"`
	ID      string      `json:"id"`
	Author  string      `json:"author"`
	Seq     uint64      `json:"seq"`
	Time    string      `json:"time"`
	Parents []string    `json:"parents"`
	Clock   []string    `json:"clock"`
	Message string      `json:"message"`
	Ops     []logOpJSON `json:"ops"`
}

type logOpJSON struct {
	Key   string          `json:"key"`
	Op    string          `json:"op"`
	Value json.RawMessage `json:"value"`
	// Removed is there where a patch took members out.
	Removed []string `json:"removed,omitempty"`
	// Erased is there where the value was destroyed.
	Erased bool `json:"erased,omitempty"`
}

func logShape(e replica.LogEntry) logJSON {
	shape := logJSON{
		Version: e.String(), ID: e.ID.String(), Author: e.Author.String(), Seq: e.Seq,
		Time: timeJSON(e.Wall()), Parents: plainNames(e.Parents), Clock: clockNames(e.Clock),
		Message: e.Message, Ops: make([]logOpJSON, len(e.Ops)),
	}
	for i, op := range e.Ops {
		shape.Ops[i] = logOpJSON{Key: op.Key, Op: op.Op, Value: op.Value, Removed: op.Removed, Erased: op.Erased}
	}
	return shape
}

// settingsJSON is how a namespace merges.
type settingsJSON struct {
	Namespace string `json:"namespace"`
	Strategy  string `json:"strategy"`
	Erasable  bool   `json:"erasable"`
	Keys      *int   `json:"keys,omitempty"`
}

// syncJSON is the report of one target.
type syncJSON struct {
	Target string `json:"target"`
	// Peer is the other side's author, empty where it has never written.
	Peer          string   `json:"peer"`
	Sent          int      `json:"sent"`
	Received      int      `json:"received"`
	SentBytes     int64    `json:"sent_bytes"`
	ReceivedBytes int64    `json:"received_bytes"`
	Duplicates    int      `json:"duplicates"`
	Conflicts     int      `json:"conflicts"`
	Forks         int      `json:"forks"`
	Pending       int      `json:"pending"`
	Refused       []string `json:"refused"`
	SkewMS        int64    `json:"skew_ms"`
	Copy          bool     `json:"copy"`
	Equal         bool     `json:"equal"`
	Diverged      bool     `json:"diverged"`
}

func syncShape(target string, rep replica.SyncReport) syncJSON {
	return syncJSON{
		Target: target, Peer: authorJSON(rep.Peer), Sent: rep.Sent, Received: rep.Received,
		SentBytes: rep.SentBytes, ReceivedBytes: rep.ReceivedBytes, Duplicates: rep.Duplicates,
		Conflicts: rep.Conflicts, Forks: rep.Forks, Pending: rep.Pending, Refused: append([]string{}, rep.Refused...),
		SkewMS: rep.Skew.Milliseconds(), Copy: rep.Copy, Equal: rep.Equal, Diverged: rep.Diverged,
	}
}
