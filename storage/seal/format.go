package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"github.com/abmrenew/abmrenew/storage"
)

const (
	version1  = 1
	suiteSeal = 1 // HKDF-SHA256 and AES-256-GCM
	suiteMAC  = 2 // HMAC-SHA256

	infoSize   = 32
	nonceSize  = 12
	tagSize    = 16
	headerSize = 1 + 1 + len(keyID{})
	sealedMin  = headerSize + infoSize + nonceSize + tagSize
	macSize    = headerSize + sha256.Size
)

// parseHeader says which data key made the bytes. It knows every format that was ever written.
func parseHeader(b []byte) (id keyID, suite byte, err error) {
	if len(b) < headerSize || b[0] != version1 {
		return id, 0, storage.ErrSealed
	}
	switch {
	case b[1] == suiteSeal && len(b) >= sealedMin:
	case b[1] == suiteMAC && len(b) == macSize:
	default:
		return id, 0, storage.ErrSealed
	}
	copy(id[:], b[2:headerSize])
	if id == (keyID{}) {
		return id, 0, storage.ErrSealed
	}
	return id, b[1], nil
}

func appendHeader(b []byte, suite byte, id keyID) []byte {
	b = append(b, version1, suite)
	return append(b, id[:]...)
}

func newDataKey(raw []byte) (dataKey, error) {
	var k dataKey
	mac, err := hkdf.Expand(sha256.New, raw, "mac/v1", keySize)
	if err != nil {
		return k, fmt.Errorf("seal: deriving a key: %w", err)
	}
	copy(k.record[:], raw)
	copy(k.mac[:], mac)
	clear(mac)
	return k, nil
}

// recordCipher is the cipher of one sealed record: its key is used for one message only, so that the number of
// messages of a data key has no practical limit.
func (k *dataKey) recordCipher(info []byte) (cipher.AEAD, error) {
	key, err := hkdf.Expand(sha256.New, k.record[:], "rec/v1"+string(info), keySize)
	if err != nil {
		return nil, fmt.Errorf("seal: deriving a key: %w", err)
	}
	defer clear(key)
	return randomNonceGCM(key)
}

func randomNonceGCM(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	return aead, nil
}

func (k *dataKey) seal(id keyID, tenant string, place, plaintext []byte) ([]byte, error) {
	out := make([]byte, 0, sealedMin+len(plaintext))
	out = appendHeader(out, suiteSeal, id)
	out = out[:headerSize+infoSize]
	_, _ = rand.Read(out[headerSize:]) // never fails, as documented
	aead, err := k.recordCipher(out[headerSize:])
	if err != nil {
		return nil, err
	}
	return aead.Seal(out, nil, plaintext, recordAAD(out, tenant, place)), nil
}

func (k *dataKey) open(tenant string, place, sealed []byte) ([]byte, error) {
	head := sealed[:headerSize+infoSize]
	aead, err := k.recordCipher(head[headerSize:])
	if err != nil {
		return nil, err
	}
	plaintext, err := aead.Open(nil, nil, sealed[len(head):], recordAAD(head, tenant, place))
	if err != nil {
		return nil, storage.ErrSealed
	}
	return plaintext, nil
}

func recordAAD(head []byte, tenant string, place []byte) []byte {
	aad := make([]byte, 0, len(head)+binary.MaxVarintLen64+len(tenant)+len(place))
	aad = append(aad, head...)
	aad = binary.AppendUvarint(aad, uint64(len(tenant)))
	aad = append(aad, tenant...)
	return append(aad, place...)
}

func (k *dataKey) sign(id keyID, message []byte) []byte {
	out := appendHeader(make([]byte, 0, macSize), suiteMAC, id)
	h := hmac.New(sha256.New, k.mac[:])
	h.Write(out)
	h.Write(message)
	return h.Sum(out)
}
