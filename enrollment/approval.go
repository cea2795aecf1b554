package enrollment

// ApprovalClaim is a person's word for what a digest stands for, before it is taken.
type ApprovalClaim struct {
	Tenant  TenantID // empty: of the installation
	Subject string   // the ID of the plan or proposal
	Digest  string   // hex SHA-256 of what is approved
	By      Actor
	// Signature over the digest, as the host's people make it; the library looks at nothing but its length.
	Signature []byte
}

// MaxSignature bounds a signature that comes with an approval.
const MaxSignature = 16 << 10
