package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// runningNode is kdelta start in a process of its own.
type runningNode struct {
	cmd       *exec.Cmd
	stderr    bytes.Buffer
	listening string
}

// startNode starts a node on a database and waits until it listens.
func startNode(t *testing.T, db string, args ...string) *runningNode {
	t.Helper()
	n := &runningNode{cmd: exec.Command("kdelta", append([]string{"--db", db, "start", "--listen", "127.0.0.1:0"}, args...)...)}
	n.cmd.Stderr = &n.stderr
	if err := n.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.cmd.Process.Kill() }) // where the test has not ended it
	for end := time.Now().Add(scriptPatience); ; time.Sleep(10 * time.Millisecond) {
		var says nodeJSON
		text, err := os.ReadFile(db + nodeSuffix)
		if err == nil && json.Unmarshal(text, &says) == nil && says.Listening != "" {
			n.listening = says.Listening
			return n
		}
		if time.Now().After(end) {
			t.Fatalf("the node does not listen: %s", n.stderr.String())
		}
	}
}

// terminate ends the node as an init system does, and wants it to end well.
func (n *runningNode) terminate(t *testing.T) {
	t.Helper()
	if err := n.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := n.cmd.Wait(); err != nil {
		t.Fatalf("the node ended with %v: %s", err, n.stderr.String())
	}
}

// command runs the command as a process of its own and returns what it prints.
func command(t *testing.T, env []string, args ...string) string {
	t.Helper()
	cmd := exec.Command("kdelta", args...)
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("kdelta %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// TestNodeOverTLS: a node with a certificate is reached at wss:// by whoever trusts that, and by nobody else; SIGTERM ends it well.
func TestNodeOverTLS(t *testing.T) {
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a.db"), filepath.Join(dir, "b.db")
	cert, key := writeCertificate(t, dir)
	command(t, nil, "--db", a, "set", "notes/1", `"over TLS"`)
	command(t, nil, "--db", b, "join", command(t, nil, "--db", a, "invite"))
	n := startNode(t, a, "--tls-cert", cert, "--tls-key", key)
	if !strings.HasPrefix(n.listening, "wss://127.0.0.1:") {
		t.Fatalf("it listens at %s", n.listening)
	}
	stranger := exec.Command("kdelta", "--db", b, "sync", n.listening)
	if out, err := stranger.CombinedOutput(); err == nil || !strings.Contains(string(out), "certificate") {
		t.Errorf("who does not know the certificate: %v, %s", err, out)
	}
	out := command(t, []string{"SSL_CERT_FILE=" + cert}, "--db", b, "sync", n.listening)
	if !strings.HasSuffix(out, "in sync") {
		t.Errorf("sync prints %q", out)
	}
	if got := command(t, nil, "--db", b, "get", "notes/1"); got != `"over TLS"` {
		t.Errorf("got %s", got)
	}
	n.terminate(t)
	if _, err := os.Stat(a + nodeSuffix); err == nil {
		t.Error("a node that has ended leaves its file")
	}
}

// writeCertificate makes a certificate for this machine that vouches for itself.
func writeCertificate(t *testing.T, dir string) (cert, key string) {
	t.Helper()
	pair, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	public, err := x509.CreateCertificate(rand.Reader, template, template, &pair.PublicKey, pair)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(pair)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: public}, key: {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}
