package enrollment

import (
	"slices"
	"strings"
)

// Code names a problem. The list is closed: every problem of this library has one of these. PROBLEMS.md, beside this
// file, shows each with its texts and statuses.
type Code string

// The codes, grouped by the exit status of the reference command line.
const (
	CodeInternal        Code = "internal"                 // 1
	CodeNotFound        Code = "not_found"                // 1
	CodeConflict        Code = "conflict"                 // 1
	CodeStillWorking    Code = "still_working"            // 1
	CodeStoreFailed     Code = "store_failed"             // 1
	CodeStoreFull       Code = "store_full"               // 1
	CodeStoreLocked     Code = "store_locked"             // 1
	CodeStoreDamaged    Code = "store_damaged"            // 1
	CodeKeyUnavailable  Code = "key_unavailable"          // 1
	CodeWrongKeyring    Code = "wrong_keyring"            // 1
	CodeInTransaction   Code = "in_transaction"           // 1
	CodePushUnsigned    Code = "push_unsigned"            // 1
	CodeFIPS            Code = "fips"                     // 1
	CodeInvalidInput    Code = "invalid_input"            // 2
	CodeTokenExpired    Code = "token_expired"            // 3
	CodePushFileExpired Code = "push_certificate_expired" // 3
	CodePushOver        Code = "push_over"                // 3
	CodeNoKeyFits       Code = "no_key_fits"              // 4
	CodeCannotDecrypt   Code = "cannot_decrypt"           // 4
	CodePushNoKeyFits   Code = "push_no_key_fits"         // 4
	CodePushPassword    Code = "push_password"            // 4
	CodeNotServerToken  Code = "not_server_token"         // 5
	CodeTooLarge        Code = "file_too_large"           // 5
	CodeUnsupported     Code = "unsupported_file"         // 5
	CodeBadContent      Code = "bad_content"              // 5
	CodePushUnfit       Code = "push_unfit"               // 5
	CodeOtherServer     Code = "other_server"             // 6
	CodeOtherService    Code = "other_service"            // 6
	CodeServiceTaken    Code = "service_taken"            // 6
	CodePushOtherTopic  Code = "push_other_topic"         // 6
	CodeOlderToken      Code = "older_token"              // 7
	CodePushOlder       Code = "push_older"               // 7
	CodeRefused         Code = "refused"                  // 8
	CodeWaiting         Code = "candidate_waiting"        // 8
	CodeConfirm         Code = "confirm_identity"         // 8
	CodePushExpired     Code = "push_expired"             // 8
	CodeTooManyUploads  Code = "too_many_uploads"         // 8
	CodePersonNeeded    Code = "person_needed"            // 8
	CodeTenantClosed    Code = "tenant_closed"            // 8
	CodeTenantErased    Code = "tenant_erased"            // 8
	CodeRetired         Code = "server_retired"           // 8
	CodePushLapsed      Code = "push_renewal_lapsed"      // 8
	CodeRejected        Code = "token_rejected"           // 9
	CodeTermsPending    Code = "terms_pending"            // 9
	CodeAccessDenied    Code = "access_denied"            // 9
	CodeAppleRefused    Code = "apple_refused"            // 9
	CodePushRejected    Code = "push_rejected"            // 9
	CodePushDead        Code = "push_dead"                // 9
	CodeUnreachable     Code = "apple_unreachable"        // 10
	CodePushUnknown     Code = "push_unknown"             // a warning
	CodePushBad         Code = "push_bad"                 // a warning
	CodePushUnproven    Code = "push_unproven"            // a warning
	CodeOtherOrg        Code = "other_organization"
	CodeNameChanged     Code = "name_changed"
	CodeOtherConsumer   Code = "other_consumer_key"
	CodeKeyMissing      Code = "key_missing" // a warning
	CodeLapsed          Code = "renewal_lapsed"
)

// The codes of devices that move, and of their wipes.
const (
	CodeDeviceReleased    Code = "device_released"         // 6
	CodeDeviceReassigned  Code = "device_reassigned"       // 6
	CodeEraseByHand       Code = "erase_by_hand"           // 8
	CodeAssignmentUnseen  Code = "assignment_unseen"       // 8
	CodeProfileUnseen     Code = "profile_unseen"          // 8
	CodeMigrationOverdue  Code = "migration_overdue"       // 8
	CodeDeviceMismatch    Code = "device_mismatch"         // 8
	CodeNotConfirmed      Code = "device_not_confirmed"    // 8
	CodeNoTurn            Code = "turn_never_came"         // 8
	CodeWipeRefused       Code = "wipe_refused"            // 8
	CodeWipeNotSent       Code = "wipe_not_sent"           // 8
	CodeWipeDelayed       Code = "wipe_delayed"            // 8
	CodeWipeOutstanding   Code = "wipe_outstanding"        // 8
	CodeWipeWithdrawn     Code = "wipe_withdrawn"          // 8
	CodeNotSeenAgain      Code = "not_seen_again"          // 8
	CodeReturned          Code = "returned_to_old_mdm"     // 8
	CodeAssignmentRefused Code = "assignment_refused"      // 9
	CodeProfileRefused    Code = "profile_refused"         // 9
	CodeMigrationFailed   Code = "migration_failed"        // 9
	CodeMigrationStays    Code = "migration_not_cancelled" // 9
	CodeWipeMayStrike     Code = "wipe_may_strike"         // a warning
	CodeWipeDoubtful      Code = "wipe_doubtful"           // a warning
	CodeLockStays         Code = "activation_lock_stays"   // a warning
)

// The codes of plans by which devices move, and of what is approved.
const (
	CodeSameServer      Code = "same_server"           // 2
	CodeTargetNoToken   Code = "target_without_token"  // 8
	CodeTargetNoProfile Code = "target_no_profile"     // 8
	CodeOwnApproval     Code = "own_approval"          // 8
	CodeApprovalNeeded  Code = "approval_needed"       // 8
	CodeOtherDigest     Code = "approved_otherwise"    // 8
	CodeProposalNeeded  Code = "proposal_needed"       // 8
	CodeWipesOff        Code = "wipes_off"             // 8
	CodeTooManyFailures Code = "too_many_failures"     // 8
	CodeApprovalEnded   Code = "approval_ended"        // 8
	CodeServiceGone     Code = "service_gone"          // 8
	CodePlanLapsed      Code = "plan_lapsed"           // 8
	CodeAssignByHand    Code = "assign_by_hand"        // 8
	CodeWipePushLost    Code = "wipe_push_lost"        // 8
	CodeTargetRejected  Code = "target_token_rejected" // 9
)

type catalogEntry struct {
	exit, http int
	title      string
	next       string
	retry      bool
}

// Codes returns every code, sorted.
func Codes() []Code {
	codes := make([]Code, 0, len(catalog))
	for c := range catalog {
		codes = append(codes, c)
	}
	slices.Sort(codes)
	return codes
}

// Args returns the names of the arguments that the texts of a code are filled in with, in the order in which a person
// reads them. A problem of this library has these arguments and no other.
func (c Code) Args() []string {
	entry := catalog[c]
	var names []string
	for _, part := range strings.Split(entry.title+" "+entry.next, "{")[1:] {
		if name, _, closed := strings.Cut(part, "}"); closed {
			names = append(names, name)
		}
	}
	return names
}

// Status returns what a host answers with: an HTTP status, and the exit status of a command.
func (c Code) Status() (http, exit int) {
	entry, known := catalog[c]
	if !known {
		entry = catalog[CodeInternal]
	}
	return entry.http, entry.exit
}
