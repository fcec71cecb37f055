package identity_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/kdelta/kdelta/identity"
)

var update = flag.Bool("update", false, "write testdata/vectors.json anew; a changed vector is a changed format")

// vectors is testdata/vectors.json: for each record what it is made of and its
// bytes, so that another implementation can make the one and compare the
// other. Keys are given by their seeds. Bytes are hex.
type vectors struct {
	About        string              `json:"about"`
	Authors      []authorVector      `json:"authors"`
	Spaces       []spaceVector       `json:"spaces"`
	Derived      []derivedVector     `json:"derived"`
	Seals        []sealVector        `json:"seals"`
	Certificates []certificateVector `json:"certificates"`
	Members      []memberVector      `json:"members"`
	Invites      []inviteVector      `json:"invites"`
	Instances    []instanceVector    `json:"instances"`
	Signatures   []signatureVector   `json:"signatures"`
	SmallOrder   []string            `json:"small_order"`
	Refused      []refusedVector     `json:"refused"`
}

type authorVector struct {
	Seed   string `json:"seed"`
	Public string `json:"public"`
	Full   string `json:"full"`
	Short  string `json:"short"`
}

type spaceVector struct {
	RootSeed string `json:"root_seed"`
	Root     string `json:"root"`
	Space    string `json:"space"`
	Text     string `json:"text"`
}

type derivedVector struct {
	Secret   string `json:"secret"`
	Space    string `json:"space"`
	Epoch    uint64 `json:"epoch,string"`
	Noise    string `json:"noise"`
	Room     string `json:"room"`
	RoomRead string `json:"room_read"`
	Pack     string `json:"pack"`
}

type sealVector struct {
	AuthorSeed string `json:"author_seed"`
	Space      string `json:"space"`
	Seq        uint64 `json:"seq,string"`
	ID         string `json:"id"`
	Bytes      string `json:"bytes"`
}

type certificateVector struct {
	RootSeed    string `json:"root_seed"`
	WriterSeed  string `json:"writer_seed"`
	Epoch       uint64 `json:"epoch,string"`
	Author      string `json:"author"`
	Grant       string `json:"grant"`
	Certificate string `json:"certificate"`
}

type memberVector struct {
	RootSeed   string `json:"root_seed"`
	WriterSeed string `json:"writer_seed"`
	Secret     string `json:"secret"`
	Bytes      string `json:"bytes"`
}

type inviteVector struct {
	Member   memberVector `json:"member"`
	ReadOnly bool         `json:"read_only"`
	Expires  int64        `json:"expires,string"`
	Hints    []string     `json:"hints"`
	Text     string       `json:"text"`
}

type instanceVector struct {
	Nonce     string `json:"nonce"`
	File      string `json:"file"`
	Opens     uint64 `json:"opens,string"`
	Boot      string `json:"boot"`
	Clean     bool   `json:"clean"`
	Author    string `json:"author"`
	HandedOut uint64 `json:"handed_out,string"`
	Bytes     string `json:"bytes"`
}

// signatureVector is a seal, whether it holds, and why that is asked. The
// encodings of SmallOrder go with them: each as author, with each as the first
// half of a signature whose second half is zero, is a seal that holds.
type signatureVector struct {
	Space string `json:"space"`
	Bytes string `json:"bytes"`
	Holds bool   `json:"holds"`
	Why   string `json:"why"`
}

// refusedVector is bytes (or, for invites, text) that must be refused.
type refusedVector struct {
	What   string `json:"what"`
	Input  string `json:"input"`
	Reason string `json:"reason"`
}

func hex32(b [32]byte) string { return hex.EncodeToString(b[:]) }

func bytes32(t testing.TB, s string) [32]byte {
	t.Helper()
	b := unhex(t, s)
	if len(b) != 32 {
		t.Fatalf("%s is not 32 bytes", s)
	}
	return [32]byte(b)
}

// The vectors come out of the code as they stand in the file.
func TestVectors(t *testing.T) {
	path := filepath.Join("testdata", "vectors.json")
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(makeVectors(t)); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b.Bytes(), want) {
		t.Errorf("the code makes other vectors than %s holds; if the format was meant to change, run this test with -update and review the difference", path)
	}
}

func loadVectors(t testing.TB) (v vectors) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "vectors.json"))
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

// The vectors' bytes are accepted, and those to be refused are.
func TestVectorsAreRead(t *testing.T) {
	v := loadVectors(t)
	for i, c := range v.Seals {
		s, err := identity.DecodeSeal(unhex(t, c.Bytes))
		if err != nil || s.Verify(bytes32(t, c.Space)) != nil || s.Seq != c.Seq || hex32(s.ID) != c.ID {
			t.Errorf("seal %d: %+v, %v", i, s, err)
		}
	}
	for i, c := range v.Certificates {
		cert, err := identity.DecodeCertificate(unhex(t, c.Certificate))
		space := identity.RootKeyFromSeed(bytes32(t, c.RootSeed)).Root().Space()
		if err != nil || cert.Verify(space) != nil || hex32(cert.Author) != c.Author || uint64(cert.Grant.Epoch) != c.Epoch {
			t.Errorf("certificate %d: %+v, %v", i, cert, err)
		}
		if g, err := identity.DecodeGrant(unhex(t, c.Grant)); err != nil || g != cert.Grant {
			t.Errorf("grant %d: %+v, %v", i, g, err)
		}
	}
	for i, c := range v.Members {
		m, err := identity.DecodeMember(unhex(t, c.Bytes))
		if err != nil || !m.IsRoot() || !m.CanWrite() || hex32(m.Secret()) != c.Secret {
			t.Errorf("member %d: %v, %v", i, m, err)
		}
	}
	for i, c := range v.Invites {
		inv, err := identity.ParseInvite(c.Text)
		if err != nil || inv.ReadOnly() != c.ReadOnly || inv.Expires() != c.Expires || len(inv.Hints()) != len(c.Hints) {
			t.Errorf("invite %d: %v, %v", i, inv, err)
		}
	}
	for i, c := range v.Instances {
		in, err := identity.DecodeInstance(unhex(t, c.Bytes))
		if err != nil || in.File != c.File || in.Opens != c.Opens || in.Boot != c.Boot || in.Clean != c.Clean || in.HandedOut != c.HandedOut {
			t.Errorf("instance %d: %+v, %v", i, in, err)
		}
	}
	for _, c := range v.Signatures {
		s, err := identity.DecodeSeal(unhex(t, c.Bytes))
		if err != nil || (s.Verify(bytes32(t, c.Space)) == nil) != c.Holds {
			t.Errorf("signature, %s: %+v, %v", c.Why, s, err)
		}
	}
	for _, author := range v.SmallOrder {
		for _, r := range v.SmallOrder {
			s := anybodys(bytes32(t, author), bytes32(t, r))
			if err := s.Verify(identity.Space{}); err != nil {
				t.Errorf("author %s, R %s: %v", author, r, err)
			}
		}
	}
	for _, c := range v.Refused {
		if err := decodeRefused(t, c); err == nil {
			t.Errorf("%s is accepted: %s", c.What, c.Reason)
		}
	}
}

// decodeRefused decodes and verifies a vector's input, and holds the decoder
// to its sentinels.
func decodeRefused(t testing.TB, c refusedVector) (err error) {
	t.Helper()
	var sentinels []error
	switch c.What {
	case "author":
		_, err = identity.ParseAuthor(c.Input)
		sentinels = []error{identity.ErrText}
	case "seal":
		_, err = identity.DecodeSeal(unhex(t, c.Input))
		sentinels = []error{identity.ErrMalformed}
	case "certificate":
		var cert identity.Certificate
		if cert, err = identity.DecodeCertificate(unhex(t, c.Input)); err == nil {
			err = cert.Verify(cert.Grant.Space())
		}
		sentinels = []error{identity.ErrMalformed, identity.ErrSignature}
	case "member":
		_, err = identity.DecodeMember(unhex(t, c.Input))
		sentinels = []error{identity.ErrMalformed, identity.ErrSignature}
	case "invite":
		_, err = identity.ParseInvite(c.Input)
		sentinels = []error{identity.ErrInviteMalformed, identity.ErrInviteChecksum, identity.ErrInviteVersion}
	case "instance":
		_, err = identity.DecodeInstance(unhex(t, c.Input))
		sentinels = []error{identity.ErrInstance}
	default:
		t.Fatalf("a vector of what nobody decodes: %s", c.What)
	}
	for _, sentinel := range sentinels {
		if err == nil || errors.Is(err, sentinel) {
			return err
		}
	}
	t.Errorf("%s (%s): %v is none of %v", c.What, c.Reason, err, sentinels)
	return err
}
