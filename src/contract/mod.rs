//! Contracts: the approved agreements between client applications and APIs.
