package abmtoken

// ReadDecrypted gives tests the step after decryption.
func ReadDecrypted(plain []byte) (token Token, err error) {
	defer contain(&err)
	return readToken(plain)
}
