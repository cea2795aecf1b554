package seal_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/abmrenew/abmrenew/storage/seal"
)

// cloudKMS plugs a host's key management service in. client stands for the service's own library; its Decrypt
// authenticates the encryption context, and the service keeps every version of the key.
type cloudKMS struct {
	client *kmsClient
	alias  string
}

func (k cloudKMS) KeyID(ctx context.Context) (string, error) {
	return k.client.CurrentVersion(ctx, k.alias)
}

func (k cloudKMS) Wrap(ctx context.Context, keyID string, key, aad []byte) ([]byte, error) {
	return k.client.Encrypt(ctx, keyID, key, aad)
}

func (k cloudKMS) Unwrap(ctx context.Context, keyID string, wrapped, aad []byte) ([]byte, error) {
	key, err := k.client.Decrypt(ctx, keyID, wrapped, aad)
	if errors.Is(err, errNoSuchKey) { // not just out of reach: another key than this store's
		return nil, fmt.Errorf("%w: %w", seal.ErrWrongKeyring, err)
	}
	return key, err
}

// A host that has a key management service gives the sealer three methods.
func ExampleKeyWrapper() {
	sealer, err := seal.New(newStore(), cloudKMS{client: newKMSClient(), alias: "alias/abmrenew"}, seal.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	sealed, _ := sealer.Seal(ctx, "acme", []byte("here"), []byte("secret"))
	secret, err := sealer.Open(ctx, "acme", []byte("here"), sealed)
	fmt.Println(string(secret), err)
	_, err = sealer.Open(ctx, "acme", []byte("elsewhere"), sealed)
	fmt.Println(err)
	// Output:
	// secret <nil>
	// storage: sealed data does not open here
}

// kmsClient is the service of the example, in memory.
type kmsClient struct{ keyring *seal.Keyring }

var errNoSuchKey = errors.New("NotFoundException")

func newKMSClient() *kmsClient { return &kmsClient{keyring: seal.MemoryKeyring()} }

func (c *kmsClient) CurrentVersion(ctx context.Context, _ string) (string, error) {
	return c.keyring.KeyID(ctx)
}

func (c *kmsClient) Encrypt(ctx context.Context, id string, plaintext, encryptionContext []byte) ([]byte, error) {
	return c.keyring.Wrap(ctx, id, plaintext, encryptionContext)
}

func (c *kmsClient) Decrypt(ctx context.Context, id string, ciphertext, encryptionContext []byte) ([]byte, error) {
	plaintext, err := c.keyring.Unwrap(ctx, id, ciphertext, encryptionContext)
	if errors.Is(err, seal.ErrWrongKeyring) {
		err = errNoSuchKey
	}
	return plaintext, err
}
