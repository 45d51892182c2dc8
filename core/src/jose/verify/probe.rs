//! Whether a host verifies an algorithm rightly: tried with a signature that is good, and with the same one spoilt.

use super::host;
use crate::base::json::Object;
use crate::jose::algorithm::Algorithm;
use crate::jose::base64url;
use crate::jose::jwk::PublicKey;
use crate::port::Signatures;

/// What was signed, with keys that were then thrown away.
const TEXT: &[u8] = b"tessera";

pub(super) fn passes(by: &dyn Signatures, algorithm: Algorithm) -> bool {
    let Some((jwk, signature)) = sample(algorithm) else { return false };
    let key = Object::read(jwk.as_bytes(), &|_| true).ok().and_then(|jwk| PublicKey::read(&jwk).ok());
    let (Some(key), Some(good)) = (key, base64url::decode(signature)) else { return false };
    let mut spoilt = good.clone();
    if let Some(last) = spoilt.last_mut() {
        *last ^= 1;
    }
    let verify = |signature: &[u8]| host::verify(by, &key.material.native, algorithm, TEXT, signature);
    verify(&good) == Ok(true) && verify(&spoilt) == Ok(false)
}

/// A key and its signature, of the algorithms that hosts know.
fn sample(algorithm: Algorithm) -> Option<(&'static str, &'static str)> {
    match algorithm {
        Algorithm::Rs256 => Some((RSA, RS256)),
        Algorithm::Rs384 => Some((RSA, RS384)),
        Algorithm::Rs512 => Some((RSA, RS512)),
        Algorithm::Es256 => Some((P256, ES256)),
        Algorithm::Es384 => Some((P384, ES384)),
        Algorithm::Es512 => Some((P521, ES512)),
        Algorithm::Ps256 | Algorithm::Ps384 | Algorithm::Ps512 | Algorithm::EdDsa => None,
    }
}

const RSA: &str = "\
    {\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"w_eASaWLSWHapJFriTqJglwxMUUy_cNmXOpfm7-IL73E-tP2Nj2rIlCU2v_A0tuTmBIklL\
    1manjCdL2la0hHyj_Efp9KH8jF_LtsmP5imhQYW5tm3NxiX1BiJNuGFjmmv8nzy0AVArUTgYWLhWXZJgIywN-vf20WQ7QbAhw550LDX3V5R_85\
    YLjyTR0dw4emfdhMGxVMwAIxx1MclErnpG9ROlx4e-JWe2a4D9_XdVoz_kieHfuQkt3rkdSlsDyifW8FiwmjlNu_TXThoKPyIzSs_n1OzYYGHG\
    qZmT73j0dcT5a3tqN7AHOFWDBRM4GehyqzvHN99ysY8bLR1sB1zQ\"}";
const RS256: &str = "\
    gCqZJeCOu58dH-NPOV_mcNbsjtXhsLIe_kbZTSD1UzosElZdks_OL785cEmMefvnHqy24YqPw139AaBls6ANHuW9VF7gxb1a4ciYn2TuAwb8DN\
    65RldZnrZIaAE-Zu2Gwsx8MHO3_LOkrqzXWeTBUn9Q86kVkQKbhIVrGvZCtsj0rATMG1s4iFOrglCeiSgK9vhdcBV1UfHzQeyB4iWeB8giDE5y\
    Dk8p2ZEd83-230Tqhuq6dhgQ1gpmqeOn9zxtNnyqU28DxQO75yabyPwl8li576F0lm3l8sPlv6_IdmvSJGZuG-Z9AqxXLezPhmxYrpHpU90czb\
    C6X6yHJnWD9A";
const RS384: &str = "\
    f476-AHpKXLbXv4ooXeZiFuAqy7SQFNAfZXWT0fO6wz5DKqvUt1OuNP11habAOYzIHYj5DQustcD-Yg43Mx_aLqybel7iaBlp9A-gua7v4iWRn\
    6pYztamW6bccqiYTTUiiXeudZodO6IdjVsYxFO4E50ia_Ue4KsR3snXR6kPhpRIx4z5XACXbolb_EYenkV11NhEEuh4vaFcrT2xm0BbwoxSJ1G\
    TS164CXHsOtyVhSgrvK2YJKM3H2v7MnJkzCg6yWOOjLLO_goEwsqWfZePEWC4z2SPWzTqdtmYZPz3swMJlxoTM0LbXrDa6z_WwJkFaHc18kneJ\
    DptH5FhHYUKQ";
const RS512: &str = "\
    cP2h96Um2IL7sWzE1WN1NGmxiaewlaA1iDqn7U143OcaxK_YkB3-uI0xImo69GdRmFcMjaGqNHMMrSMA1tuNwQOs3blgJtpOZJUuTBKOLvojC0\
    xBpjdP09AmwH4MQGeCDKLGa4OlihX3KqBDtLx39uA031ggRHWvCyQMqV_bfF0PjG3nvFQJH9h3bqMaKtpdJHB_rPJK9ILsoGQgsTmRJC-NJmuZ\
    nIxVj-Of48Grp5tX1Ul9uKMJ51dQ5mYOsNUbQjF0iQmEiNveoD8P3qqxvk9B9o-M8AFnbjNBoyHRCFnIeqIvlnRwnk6XLk6fMlIaZdn-r5K2P6\
    jDzbyUSXa3oQ";
const P256: &str = "\
    {\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"WrrremdfhHOyWgoytVApyMTo0XAhEu_neW2Yry-C4Hw\",\"y\":\"eRJLSe2QuVsyq7\
    evWJnEo4-JBXBeWxxVzeG4CHLrHPo\"}";
const ES256: &str = "aXSzellY3EgIB1k95v_xGD3D-eUVEOtvZfbJE0FXQweWZ5tNATuEgdCxVv9vUf4VBBzbReOgsWaJ1dnVT9E8FQ";
const P384: &str = "\
    {\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"rAMRyKD6DhSEGxCGchEVmOo319pmia219yFYo4R574DTb89s3kU-CYYvs3u9X7VZ\",\
    \"y\":\"zPnciSG8MAQHX11AweMtoIdPsGOpcC6BmlqGtK6OROhVWjsdLBZ8Z37aDCJWYTaQ\"}";
const ES384: &str = "\
    kzP-Zfml9LT-76GaIqvtlAAshBfmeIsiWGKgvNui_jTQkbkEe2HJfNU27_SOugYZ7UKIy-pOFgYux2BDuDWoS53PyICH4yVlKl0Uu9yxh7DxiQ\
    8BKzypysTtXQKgFZvT";
const P521: &str = "\
    {\"kty\":\"EC\",\"crv\":\"P-521\",\"x\":\"AFOh76SjMJ2BaxCbejpa1SSU_bdmtjFkUHinoGSJzf6eGToFQVUO5N5-L1PJFN-2Ux9t\
    g57xYUZPB95u4aCGL58e\",\"y\":\"APUqAXYLARg8Gbq7wqzLJ5xiv6F-wksipRBQAU_Msncxi72mMTvi1ihIkEBVRgbjfpWCUtcYWUq9fc3\
    20JoHWEKZ\"}";
const ES512: &str = "\
    AG2PIFYJ45W_M91FxcYdKFW3Rdf8vBGkIjRuPoKFBa72kEePFwvs6Q9pKmL8JvM_Pz-9GIOsxqXFvpCkkQHoRqQGAYyP3d3z1GHqnJXPiFCZ_c\
    GqCaKGAsFmJlhrjuux5B4tymrRceU8W0QRJZwmzi9fzEo7VSRnNMCUT7en7l-khDq8";
