package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
)

// privateTable is a table in memory: how it begins, how long it is, and the SHA-256 of all of it.
type privateTable struct {
	first  string
	size   int
	digest string
}

// aesTables are te0 to te3 and td0 to td3 of crypto/internal/fips140/aes, as they lie in memory, and sbox0 and sbox1.
var aesTables = []privateTable{
	{"\xa5\x63\x63\xc6", 8 * 256 * 4, "b84444486129a847b9cfa1d6ef60418a95481a9ef674caa5af9cc1c8f479dd78"},
	{"\x63\x7c\x77\x7b", 256, "c2d8e5eed6cbebd8625fc18f81486a7733c04f9b0129ffbe974c68b90308b4f2"},
	{"\x52\x09\x6a\xd5", 256, "93631b0726f6fe6629daa743ee51b49f4477ed07391b68eeea0672a4a90018aa"},
}

// clearAES makes zeros of the tables of AES where nothing is left that reads them: they are private to their package.
func clearAES(t *symtab, fates []fate) {
	for i, f := range fates {
		if f == kept && isNamed(t.functions[i].name, aesReaders) {
			return
		}
	}
	for _, table := range aesTables {
		clear(table.find(t.mem))
	}
}

// find gives the table in memory, or nothing.
func (p privateTable) find(mem memory) []byte {
	for {
		at := bytes.Index(mem, []byte(p.first))
		if at < 0 || len(mem)-at < p.size {
			return nil
		}
		if sum := sha256.Sum256(mem[at : at+p.size]); hex.EncodeToString(sum[:]) == p.digest {
			return mem[at : at+p.size]
		}
		mem = mem[at+1:]
	}
}
