package canon_test

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/kdelta/kdelta/internal/canon"
)

// vectors is testdata/values.json, which says itself what its parts mean.
type vectors struct {
	Values, Spellings []struct{ JSON, Hex string }
	RefusedJSON       []struct{ JSON, Path, Kind, Why string }
	RefusedHex        []struct {
		Hex    string
		Offset int
		Why    string
	}
	Ascending []string
}

func loadVectors(t testing.TB) vectors {
	t.Helper()
	text, err := os.ReadFile("testdata/values.json")
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	if len(v.Values) == 0 || len(v.Spellings) == 0 || len(v.RefusedJSON) == 0 || len(v.RefusedHex) == 0 || len(v.Ascending) == 0 {
		t.Fatal("testdata/values.json lacks one of its parts")
	}
	return v
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestGoldenValues(t *testing.T) {
	for _, c := range loadVectors(t).Values {
		want := unhex(t, c.Hex)
		if err := canon.Check(want); err != nil {
			t.Errorf("Check(%s) of %s: %v", c.Hex, c.JSON, err)
		}
		if got, err := canon.FromJSON([]byte(c.JSON)); err != nil || hex.EncodeToString(got) != c.Hex {
			t.Errorf("FromJSON(%s) = %x, %v; want %s", c.JSON, got, err, c.Hex)
		}
		if got := canon.Value(want).AppendJSON(nil); string(got) != c.JSON {
			t.Errorf("AppendJSON(%s) = %s; want %s", c.Hex, got, c.JSON)
		}
	}
}

func TestGoldenSpellings(t *testing.T) {
	for _, c := range loadVectors(t).Spellings {
		got, err := canon.FromJSON([]byte(c.JSON))
		if err != nil || hex.EncodeToString(got) != c.Hex {
			t.Errorf("FromJSON(%s) = %x, %v; want %s", c.JSON, got, err, c.Hex)
		}
	}
}

func TestGoldenRefusedJSON(t *testing.T) {
	kinds := map[string]error{"syntax": canon.ErrJSON, "value": canon.ErrValue}
	for _, c := range loadVectors(t).RefusedJSON {
		v, err := canon.FromJSON([]byte(c.JSON))
		if !errors.Is(err, kinds[c.Kind]) || v != nil {
			t.Errorf("FromJSON(%s) = %x, %v; want an error of kind %s: %s", c.JSON, v, err, c.Kind, c.Why)
			continue
		}
		path := c.Path
		if path == "" {
			path = "the top"
		}
		if !strings.HasPrefix(err.Error(), "canon: at "+path+" (byte ") {
			t.Errorf("FromJSON(%s): %q does not name the path %s", c.JSON, err, path)
		}
	}
}

func TestGoldenRefusedHex(t *testing.T) {
	for _, c := range loadVectors(t).RefusedHex {
		err := canon.Check(unhex(t, c.Hex))
		if !errors.Is(err, canon.ErrMalformed) {
			t.Errorf("Check(%s) = %v; want it refused: %s", c.Hex, err, c.Why)
			continue
		}
		if !strings.HasPrefix(err.Error(), "canon: at byte "+strconv.Itoa(c.Offset)+": ") {
			t.Errorf("Check(%s) = %q; want it refused at byte %d: %s", c.Hex, err, c.Offset, c.Why)
		}
	}
}

func TestGoldenAscending(t *testing.T) {
	var sorted []canon.Value
	for _, text := range loadVectors(t).Ascending {
		v, err := canon.FromJSON([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		sorted = append(sorted, v)
	}
	sign := func(n int) int { return min(1, max(-1, n)) }
	for i, a := range sorted {
		for j, b := range sorted {
			if got := canon.Compare(a, b); got != sign(i-j) {
				t.Errorf("Compare(%s, %s) = %d; want %d", a.AppendJSON(nil), b.AppendJSON(nil), got, sign(i-j))
			}
		}
	}
}
