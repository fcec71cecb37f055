package replica

import (
	"bytes"

	"github.com/kdelta/kdelta/store"
)

// announce notes what watchers will hear of a version; writeDocs adds the values.
func (c *commit) announce(s *stored, remote bool) {
	if !c.watched {
		return
	}
	e := Event{Version: Version{Stamp: s.Stamp()}, Remote: remote && !c.isOwn(s.Author), Changes: make([]Change, len(s.keys))}
	for i := range s.keys {
		e.Changes[i].Key = s.keys[i].key
	}
	c.events = append(c.events, e)
}

// fillEvents gives the changes of the events the values that the keys have now.
func (c *commit) fillEvents() error {
	for i := range c.events {
		for j := range c.events[i].Changes {
			change := &c.events[i].Changes[j]
			if e := c.docs.entries[change.Key]; e != nil && e.row.Value != nil {
				change.Value = e.row.Value
				continue
			}
			var err error
			if change.Value, err = c.shown(change.Key); err != nil {
				return err
			}
		}
	}
	return nil
}

// shown is what the written row of a key shows.
func (c *commit) shown(key string) ([]byte, error) {
	b, err := c.tx.Get(store.Docs, []byte(key))
	if err != nil {
		return nil, err
	}
	row, err := store.DecodeDoc(b)
	return bytes.Clone(row.Value), err
}
