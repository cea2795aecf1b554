package dep

// Code is Apple's own word for a refusal, as its documents write it. Apple may send others: they are kept as they came.
type Code string

// The documented codes (Apple, "Interpreting Automated Device Enrollment error codes", "Define a profile", "Fetch a
// list of devices", "Sync the list of devices"; 2025 and 2026). The two in small letters are not documented; they were
// seen in answers to tokens that were replaced or revoked.
const (
	CodeTokenRejected    Code = "token_rejected"
	CodeSignatureInvalid Code = "signature_invalid"
	CodeTermsNotSigned   Code = "T_C_NOT_SIGNED"
	CodeAccessDenied     Code = "ACCESS_DENIED"
	CodeForbidden        Code = "FORBIDDEN"
	CodeSeedTurnedOff    Code = "APPLE_SEED_FOR_IT_TURNED_OFF"

	CodeUserAgentMissing    Code = "USER_AGENT_MISSING"
	CodeUserAgentInvalid    Code = "USER_AGENT_INVALID"
	CodeMalformedBody       Code = "MALFORMED_REQUEST_BODY"
	CodeDeviceIDRequired    Code = "DEVICE_ID_REQUIRED"
	CodeProfileUUIDRequired Code = "PROFILE_UUID_REQUIRED"
	CodeNotFound            Code = "NOT_FOUND"

	CodeCursorRequired  Code = "CURSOR_REQUIRED"
	CodeCursorInvalid   Code = "INVALID_CURSOR"
	CodeCursorExpired   Code = "EXPIRED_CURSOR"
	CodeCursorExhausted Code = "EXHAUSTED_CURSOR"

	CodeConfigNameRequired  Code = "CONFIG_NAME_REQUIRED"
	CodeConfigNameInvalid   Code = "CONFIG_NAME_INVALID"
	CodeConfigURLRequired   Code = "CONFIG_URL_REQUIRED"
	CodeConfigURLInvalid    Code = "CONFIG_URL_INVALID"
	CodeDepartmentInvalid   Code = "DEPARTMENT_INVALID"
	CodeMagicInvalid        Code = "MAGIC_INVALID"
	CodeSupportPhoneInvalid Code = "SUPPORT_PHONE_INVALID"
	CodeSupportEmailInvalid Code = "SUPPORT_EMAIL_INVALID"
	CodeFlagsInvalid        Code = "FLAGS_INVALID"
	CodeLocaleInvalid       Code = "LOCALE_INVALID"
)
