package enrollment_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
)

func pemOf(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func apiKeyFile(t testing.TB, curve elliptic.Curve) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	require.NoError(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	return pemOf("PRIVATE KEY", der)
}

// What is no API account is refused, with the part that is wrong and what it has to be, and without a byte of the key.
func TestWhatIsNoAPIAccount(t *testing.T) {
	good := apiKeyFile(t, elliptic.P256())
	block, _ := pem.Decode(good)
	r, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(r)
	require.NoError(t, err)
	locked := pem.EncodeToMemory(&pem.Block{
		Type: "EC PRIVATE KEY", Headers: map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES-256-CBC,00"}, Bytes: block.Bytes,
	})
	const id = "BUSINESSAPI.6a5c"
	for _, c := range []struct {
		client, key string
		file        []byte
		field, says string
	}{
		{"", "k", good, "client_id", "begins with BUSINESSAPI. or SCHOOLAPI."},
		{"BUSINESSAPI.", "k", good, "client_id", "begins"},
		{"businessapi.1", "k", good, "client_id", "begins"},
		{"BUSINESSAPI.a b", "k", good, "client_id", "begins"},
		{"BUSINESSAPI." + strings.Repeat("1", 200), "k", good, "client_id", "begins"},
		{id, "", good, "key_id", "beside the client ID"},
		{id, "a\nb", good, "key_id", "beside the client ID"},
		{id, strings.Repeat("k", 129), good, "key_id", "beside the client ID"},
		{id, "k", nil, "key", "no private key in the file"},
		{id, "k", make([]byte, 1<<20), "key", "larger than 16384 bytes"},
		{id, "k", apiKeyFile(t, elliptic.P384()), "key", "P-256"},
		{id, "k", pemOf("PRIVATE KEY", pkcs8), "key", "no EC key"},
		{id, "k", pemOf("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(r)), "key", `"RSA PRIVATE KEY"`},
		{id, "k", pemOf("ENCRYPTED PRIVATE KEY", block.Bytes), "key", "encrypted; decrypt it first"},
		{id, "k", locked, "key", "encrypted; decrypt it first"},
		{id, "k", pemOf("PRIVATE KEY", block.Bytes[1:]), "key", "damaged"},
		{id, "k", pemOf("EC PRIVATE KEY", block.Bytes), "key", "damaged"},
		{id, "k", pemOf("CERTIFICATE", block.Bytes), "key", `"CERTIFICATE"`},
	} {
		key, err := enrollment.CheckAPIAccount(c.client, c.key, c.file)
		wrong := &enrollment.APIAccountError{}
		require.ErrorAs(t, err, &wrong, "%+v", c)
		assert.Nil(t, key)
		assert.Equal(t, c.field, wrong.Field)
		assert.Contains(t, err.Error(), c.says)
	}
	for _, client := range []string{id, "SCHOOLAPI.1"} {
		key, err := enrollment.CheckAPIAccount(client, "k", good)
		require.NoError(t, err)
		assert.Len(t, enrollment.APIKeyFingerprint(key), 64)
	}
	assert.Equal(t, "SCHOOLAPI.", enrollment.APIAccountPrefix("SCHOOLAPI.1"))
}

func FuzzCheckAPIAccount(f *testing.F) {
	f.Add([]byte("-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"))
	f.Add(apiKeyFile(f, elliptic.P256()))
	f.Fuzz(func(t *testing.T, file []byte) {
		key, err := enrollment.CheckAPIAccount("BUSINESSAPI.1", "k", file)
		if (key == nil) == (err == nil) {
			t.Errorf("either a key or an error, not %v and %v", key != nil, err)
		}
		if err != nil && len(err.Error()) > 300 {
			t.Errorf("an error quotes the file at length: %d bytes", len(err.Error()))
		}
	})
}
