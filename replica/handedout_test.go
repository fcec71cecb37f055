package replica_test

import (
	"encoding/json"
	"testing"

	"github.com/kdelta/kdelta/replica"
	"github.com/kdelta/kdelta/store/memory"
)

// TestRowsAreTheReaders: what a read returns belongs to whoever reads it. Writing over it changes nothing for anybody else.
func TestRowsAreTheReaders(t *testing.T) {
	r, err := replica.Open(t.Context(), memory.New(), replica.Options{})
	if err != nil {
		t.Fatal(err)
	}
	const value = `{"a":[1,2]}`
	v := wrote(t)(r.Set(t.Context(), "notes/1", object{"a": []int{1, 2}}))
	spoil := func(text []byte) {
		t.Helper()
		if string(text) != value {
			t.Fatalf("it reads %s", text)
		}
		clear(text[:cap(text)]) // with what may lie behind it
	}
	for name, read := range map[string]func() ([]byte, error){
		"Doc": func() ([]byte, error) {
			d, err := r.Doc(t.Context(), "notes/1")
			return d.Value, err
		},
		"Get": func() ([]byte, error) {
			var text json.RawMessage
			_, err := r.Get(t.Context(), "notes/1", &text)
			return text, err
		},
		"List": func() ([]byte, error) {
			for row, err := range r.List(t.Context(), "notes/") {
				return row.Value, err
			}
			return nil, nil
		},
		"Doc at a point": func() ([]byte, error) {
			d, err := r.At(v).Doc(t.Context(), "notes/1")
			return d.Value, err
		},
		"List at a point": func() ([]byte, error) {
			for row, err := range r.At(v).List(t.Context(), "notes/") {
				return row.Value, err
			}
			return nil, nil
		},
		"Watch": func() ([]byte, error) {
			for e, err := range r.Watch(t.Context(), "notes/", replica.Since(replica.Beginning)) {
				if err != nil {
					return nil, err
				}
				return e.Changes[0].Value, nil
			}
			return nil, nil
		},
		"List in an Update": func() (text []byte, err error) {
			_, err = r.Update(t.Context(), func(tx *replica.Tx) error {
				for row, err := range tx.List("notes/") {
					text = row.Value
					return err
				}
				return nil
			})
			return text, err
		},
	} {
		t.Run(name, func(t *testing.T) {
			text, err := read()
			if err != nil {
				t.Fatal(err)
			}
			spoil(text)
			if got := shown(t, r, "notes/1"); got != value {
				t.Errorf("the key shows %q", got)
			}
		})
	}
	verified(t, r)
}
