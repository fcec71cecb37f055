package replica_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/kdelta/kdelta/replica"
	"github.com/kdelta/kdelta/store/sqlite"
)

// movies reads the real data set: records with numbers, nulls and texts of any kind.
func movies(t *testing.T) []json.RawMessage {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "testdata", "movies.json"))
	if err != nil {
		t.Fatal(err)
	}
	var records []json.RawMessage
	if err := json.Unmarshal(b, &records); err != nil {
		t.Fatal(err)
	}
	if len(records) != 3201 {
		t.Fatalf("%d records, want 3201", len(records))
	}
	return records
}

func movieKey(i int) string { return fmt.Sprintf("movies/%04d", i) }

// exported is all visible rows, as lines of JSON.
func exported(t *testing.T, r *replica.Replica) []byte {
	t.Helper()
	var out bytes.Buffer
	for row, err := range r.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&out, "%q %s\n", row.Key, row.Value)
	}
	return out.Bytes()
}

// A real data set goes in as it is, two devices edit different members of the same records, and both end with the same
// bytes, in which each edit stands.
func TestMovies(t *testing.T) {
	t.Parallel()
	records := movies(t)
	dir := t.TempDir()
	a := onFile(t, filepath.Join(dir, "a.db"), sqlite.Durability(sqlite.Normal))
	settings(t, a.Replica, "movies", replica.Settings{Strategy: "fields"})
	v := importMovies(t, a.Replica, records)
	b := joinedFile(t, filepath.Join(dir, "b.db"), a.Replica, sqlite.Durability(sqlite.Normal))
	syncPair(t, a.Replica, b.Replica)
	unchanged(t, b.Replica, records)
	before := exported(t, b.Replica)

	editMovies(t, a.Replica, records, "IMDB Rating", 9.9, 0, 3)
	editMovies(t, b.Replica, records, "Director", "Someone Else", 0, 2)
	ra, rb := syncPair(t, a.Replica, b.Replica)
	if ra.Conflicts+rb.Conflicts != 0 {
		t.Errorf("edits of different members made conflicts: %+v, %+v", ra, rb)
	}
	now := exported(t, a.Replica)
	if !bytes.Equal(now, exported(t, b.Replica)) {
		t.Error("the two export different bytes")
	}
	for i := range records {
		got := movie(t, a.Replica, i)
		want := decoded(t, records[i])
		if i%3 == 0 {
			want["IMDB Rating"] = 9.9
		}
		if i%2 == 0 {
			want["Director"] = "Someone Else"
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("record %d is %v, want %v", i, got, want)
		}
	}
	sameState(t, a.Replica, b.Replica)
	showsTheLog(t, b.Replica)
	// The data set as it went in is still there.
	var then bytes.Buffer
	for row, err := range b.At(v).List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&then, "%q %s\n", row.Key, row.Value)
	}
	if !bytes.Equal(then.Bytes(), before) {
		t.Error("the past is not as it was")
	}
}

// importMovies writes all records, a thousand in a version, and returns the last version.
func importMovies(t *testing.T, r *replica.Replica, records []json.RawMessage) (last replica.Version) {
	t.Helper()
	for from := 0; from < len(records); from += 1000 {
		last = wrote(t)(r.Update(t.Context(), func(tx *replica.Tx) error {
			for i := from; i < min(from+1000, len(records)); i++ {
				if err := tx.Set(movieKey(i), records[i]); err != nil {
					return fmt.Errorf("record %d: %w", i, err)
				}
			}
			return nil
		}, replica.Message("the data set")))
	}
	return last
}

// movie reads a record as encoding/json would.
func movie(t *testing.T, r *replica.Replica, i int) map[string]any {
	t.Helper()
	var record json.RawMessage
	if _, err := r.Get(t.Context(), movieKey(i), &record); err != nil {
		t.Fatal(err)
	}
	return decoded(t, record)
}

func decoded(t *testing.T, record json.RawMessage) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(record, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// unchanged fails unless a replica holds the records as the file has them.
func unchanged(t *testing.T, r *replica.Replica, records []json.RawMessage) {
	t.Helper()
	for i := range records {
		got := movie(t, r, i)
		if want := decoded(t, records[i]); !reflect.DeepEqual(got, want) {
			t.Fatalf("record %d is %v, want %v", i, got, want)
		}
	}
}

// editMovies sets one member of every nth record, reading and writing whole records as applications do.
func editMovies(t *testing.T, r *replica.Replica, records []json.RawMessage, member string, value any, first, nth int) {
	t.Helper()
	wrote(t)(r.Update(t.Context(), func(tx *replica.Tx) error {
		for i := first; i < len(records); i += nth {
			var m map[string]any
			if _, err := tx.Get(movieKey(i), &m); err != nil {
				return err
			}
			m[member] = value
			if err := tx.Set(movieKey(i), m); err != nil {
				return err
			}
		}
		return nil
	}))
}
