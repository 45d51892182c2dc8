//! Clusters that go on connecting when the call has been given up.

use crate::check::code::Code;
use crate::check::gateway::findings::Findings;
use crate::check::gateway::subject::Subject;
use crate::check::gateway::surroundings::Surroundings;

pub(super) fn look(subject: &Subject<'_>, surroundings: &Surroundings<'_>, findings: &mut Findings<'_>) {
    for (call, reach) in surroundings.reaches(subject) {
        let (Some(connect), Some(timeout)) = (reach.connect_timeout, call.timeout) else { continue };
        if connect.value > timeout {
            let message = format!(
                "connecting may take {:?}, longer than the call itself, {timeout:?}: a server that does not answer is \
                 noticed as a timeout only",
                connect.value
            );
            findings.add(
                Code::ConnectTimeout,
                &connect.at,
                message,
                "set it to less than the call's timeout, such as 1s",
            );
        }
    }
}
