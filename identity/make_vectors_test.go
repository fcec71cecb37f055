package identity_test

import (
	"encoding/hex"
	"math"
	"strings"
	"testing"

	"github.com/kdelta/kdelta/identity"
)

// makeVectors works every vector out anew.
func makeVectors(t testing.TB) vectors {
	v := vectors{About: "Constant vectors of identity, format 0. Keys are Ed25519 seeds; bytes are hex; 64-bit numbers are strings."}
	for _, seed := range []byte{0, 1, 0xff} {
		key := authorKey(seed)
		author, root := key.Author(), identity.RootKeyFromSeed(fill(seed)).Root()
		v.Authors = append(v.Authors, authorVector{hex32(fill(seed)), hex32(author), author.Full(), author.String()})
		v.Spaces = append(v.Spaces, spaceVector{hex32(fill(seed)), hex32(root), hex32(root.Space()), root.Space().String()})
	}
	for _, epoch := range []identity.Epoch{1, 128, math.MaxUint64} {
		secret, space := identity.EpochSecret(fill(3)), newMember(t, 1).Space()
		v.Derived = append(v.Derived, derivedVector{
			Secret: hex32(secret), Space: hex32(space), Epoch: uint64(epoch),
			Noise: hex32(secret.NoiseKey(space, epoch)), Room: hex32(secret.RoomID(space, epoch)),
			RoomRead: hex32(secret.RoomReadKey(space, epoch)), Pack: hex32(secret.PackKey(space, epoch)),
		})
	}
	for _, seq := range []uint64{1, 127, 128, 255, 256, 65535, 65536, math.MaxUint32, math.MaxUint32 + 1, math.MaxUint64} {
		space := newMember(t, 1).Space()
		seal := authorKey(9).Seal(space, seq, fill(0x77))
		v.Seals = append(v.Seals, sealVector{hex32(fill(9)), hex32(space), seq, hex32(fill(0x77)), hex.EncodeToString(seal.Append(nil))})
	}
	for _, epoch := range []identity.Epoch{1, 300} {
		root, writer, author := identity.RootKeyFromSeed(fill(1)), identity.WriterKeyFromSeed(fill(2)), authorKey(9).Author()
		grant := root.Grant(epoch, writer.Writer())
		v.Certificates = append(v.Certificates, certificateVector{
			hex32(fill(1)), hex32(fill(2)), uint64(epoch), hex32(author),
			hex.EncodeToString(grant.Append(nil)), hex.EncodeToString(writer.Certify(grant, author).Append(nil)),
		})
	}
	m := newMember(t, 1)
	member := memberVector{hex32(fill(1)), hex32(fill(2)), hex32(fill(3)), hex.EncodeToString(m.Append(nil))}
	v.Members = append(v.Members, member)
	for _, c := range []inviteVector{
		{ReadOnly: true, Hints: []string{}},
		{Hints: []string{}},
		{Expires: 1_790_000_000_000, Hints: []string{"/ip4/192.168.1.7/udp/4001/quic-v1", "wss://relay.example/room", "Büro"}},
	} {
		c.Member, c.Text = member, invite(t, m, c.ReadOnly, c.Expires, c.Hints...).Text()
		v.Invites = append(v.Invites, c)
	}
	for _, i := range []identity.Instance{
		{Nonce: [16]byte{1, 2, 3}, File: "64769:1048577", Opens: 1, Boot: "5b7f7f7e", Author: authorKey(9).Author()},
		{File: "", Opens: math.MaxUint64, Clean: true, Author: authorKey(9).Author(), HandedOut: 70000},
	} {
		v.Instances = append(v.Instances, instanceVector{
			hex.EncodeToString(i.Nonce[:]), i.File, i.Opens, i.Boot, i.Clean, hex32(i.Author), i.HandedOut,
			hex.EncodeToString(instanceBytes(t, i)),
		})
	}
	space := newMember(t, 1).Space()
	for _, c := range craftedSeals(t, space) {
		v.Signatures = append(v.Signatures, signatureVector{hex32(space), hex.EncodeToString(c.seal.Append(nil)), c.holds, c.why})
	}
	for _, encoding := range smallOrder(t) {
		v.SmallOrder = append(v.SmallOrder, hex32(encoding))
	}
	v.Refused = makeRefused(t, v)
	return v
}

// makeRefused spoils good vectors.
func makeRefused(t testing.TB, v vectors) []refusedVector {
	author, seal, cert := v.Authors[1].Full, v.Seals[0].Bytes, v.Certificates[0].Certificate
	member, instance, text := v.Members[0].Bytes, v.Instances[0].Bytes, v.Invites[0].Text
	replaced := func(s, old, new string) string {
		if strings.Count(s, old) != 1 {
			t.Fatalf("%s is there %d times", old, strings.Count(s, old))
		}
		return strings.Replace(s, old, new, 1)
	}
	return []refusedVector{
		{"author", strings.ToUpper(author), "upper case"},
		{"author", author[:51] + string(author[51]+1), "bits beyond the 256 of the key"},
		{"seal", "", "nothing"},
		{"seal", seal[:len(seal)-2], "the last byte is missing"},
		{"seal", seal + "00", "a byte follows"},
		{"seal", "95" + seal[2:] + "00", "five items"},
		{"seal", replaced(seal, "01c4207777", "cc01c4207777"), "seq 1 in two bytes"},
		{"seal", replaced(seal, "01c4207777", "ffc4207777"), "a negative seq"},
		{"seal", replaced(seal, "c4207777", "c500207777"), "the length of the id in two bytes"},
		{"seal", replaced(seal, "c4207777", "d9207777"), "the id as a string"},
		{"certificate", cert[:len(cert)-2] + "ff", "the writer's signature changed"},
		{"certificate", replaced(cert, "01c420", "02c420"), "the epoch changed"},
		{"certificate", replaced(cert, "01c420", "00c420"), "epoch 0"},
		{"member", replaced(member, hex32(fill(2)), hex32(fill(4))), "a writer seed that was not granted"},
		{"member", replaced(member, hex32(fill(1)), hex32(fill(4))), "a root seed of another space"},
		{"invite", "kdelta2" + text[7:], "a newer version"},
		{"invite", text[:len(text)-8], "cut"},
		{"invite", pack(append(unpack(t, text), 0)), "a byte after the content, the checksum right"},
		{"instance", instance[:len(instance)-2], "cut"},
		{"instance", replaced(instance, "98", "97"), "the checksum does not match"},
	}
}
