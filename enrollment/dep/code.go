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

// advice is what a person does about a code.
var advice = map[Code]string{
	CodeTokenRejected:    "download a new server token from Apple's portal",
	CodeSignatureInvalid: "download a new server token from Apple's portal",
	CodeTermsNotSigned:   "an administrator has to sign in to Apple's portal and accept the new terms; the token stays good",
	CodeAccessDenied:     "the service, or the person who downloaded the token, may not do this; check both in Apple's portal",
	CodeForbidden:        "check in Apple's portal that the service and the person who downloaded the token still exist",
	CodeSeedTurnedOff:    "the organization has turned AppleSeed for IT off",

	CodeUserAgentMissing:    "set Options.UserAgent",
	CodeUserAgentInvalid:    "set Options.UserAgent to the name of your product",
	CodeMalformedBody:       "Apple did not understand the request; check its values",
	CodeDeviceIDRequired:    "name at least one device",
	CodeProfileUUIDRequired: "name the profile",
	CodeNotFound:            "Apple does not know it; check that it belongs to this service",

	CodeCursorRequired:  "fetch all devices again, without a cursor",
	CodeCursorInvalid:   "fetch all devices again, without a cursor",
	CodeCursorExpired:   "fetch all devices again, without a cursor: cursors live for seven days",
	CodeCursorExhausted: "the fetch is complete; go on with a sync from this cursor, or fetch again without one",

	CodeConfigNameRequired:  "give the profile a name",
	CodeConfigNameInvalid:   "the profile's name may have 125 characters",
	CodeConfigURLRequired:   "give the profile the URL of your service",
	CodeConfigURLInvalid:    "the profile's URL has to be https and may have 2000 characters",
	CodeDepartmentInvalid:   "the profile's department may have 125 characters",
	CodeMagicInvalid:        "the profile's org_magic may have 256 characters",
	CodeSupportPhoneInvalid: "the profile's support phone number may have 50 characters",
	CodeSupportEmailInvalid: "the profile's support e-mail address may have 250 characters",
	CodeFlagsInvalid:        "the profile's switches contradict each other; is_mdm_removable may be false only if supervised",
	CodeLocaleInvalid:       "the profile's language or region is none that Apple knows",
}
